import type { Diagnostic } from '../diagnostic.ts';
import { HclError } from '../hcl/error.ts';
import { didYouMean } from '../hcl/suggest.ts';
import type { EvaluatedDefinition } from './evaluated.ts';
import type { Overrides } from './override.ts';
import { applyOverrides } from './override.ts';
import type { RawTarget } from './raw-target.ts';
import { mergeTargets } from './raw-target.ts';

/** Names that were asked for, made targets: inheritance, overrides, groups (buildx `bake/bake.go`, `ResolveTarget`). */
export class Resolver {
  readonly #definition: EvaluatedDefinition;
  readonly #overrides: Overrides;
  readonly #resolved = new Map<string, RawTarget>();

  constructor(definition: EvaluatedDefinition, overrides: Overrides) {
    this.#definition = definition;
    this.#overrides = overrides;
  }

  /** A target with all it inherits. Throws {@link HclError} for a missing one, at the place that names it. */
  target(name: string, asked?: Diagnostic['span']): RawTarget {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    const resolved = this.#inherit(name, asked, []);
    if (resolved === undefined) throw this.missing(name, asked);
    this.#resolved.set(name, resolved);
    return resolved;
  }

  /** The targets of a name: those of the group it is, or itself. Inside a group its own name means a target. */
  members(name: string, asked?: Diagnostic['span'], above: ReadonlySet<string> = new Set()): readonly string[] {
    const group = above.has(name) ? undefined : this.#definition.groups.get(name);
    if (group === undefined) {
      if (!this.#definition.targets.has(name)) throw this.missing(name, asked);
      return [name];
    }
    const inside = new Set([...above, name]);
    return [...new Set((group.targets ?? []).flatMap((member) => this.members(member, group.span, inside)))];
  }

  missing(name: string, span?: Diagnostic['span']): HclError {
    const known = [...this.#definition.targets.keys(), ...this.#definition.groups.keys()];
    return new HclError({
      reason: 'unknown-target',
      message: `failed to find target ${name}`,
      hint: didYouMean(
        name,
        known,
        known.length === 0
          ? 'nothing is defined'
          : `defined are ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', ...' : ''}`,
      ),
      ...(span === undefined ? {} : { span }),
    });
  }

  #inherit(name: string, asked: Diagnostic['span'], open: readonly string[]): RawTarget | undefined {
    if (open.includes(name)) return undefined;
    const own = this.#definition.targets.get(name);
    if (own === undefined) throw this.missing(name, asked);
    let sofar: RawTarget = { name, places: new Map() };
    for (const parent of own.inherits ?? []) {
      const done = open.length === 0 ? this.#resolved.get(parent) : undefined;
      const inherited = done ?? this.#inherit(parent, own.places.get('inherits'), [...open, name]);
      if (inherited !== undefined) sofar = mergeTargets(sofar, inherited);
    }
    const { inherits: _above, ...inheritedPart } = sofar;
    const merged = { ...mergeTargets(inheritedPart, own), name };
    const overridden = applyOverrides(merged, this.#overrides.get(name) ?? []);
    if (!overridden.ok) throw new HclError(overridden.failure);
    return overridden.value;
  }
}
