import { HclError } from '../hcl/error.ts';
import { ok } from '../result.ts';
import type { Span } from '../source.ts';
import { applyOverrides } from './apply-override.ts';
import type { Overrides } from './override.ts';
import type { RawTarget } from './raw-target.ts';
import { mergeTargets } from './raw-target.ts';
import type { Names } from './requested.ts';
import { unknownTarget } from './requested.ts';

/** Targets with all they inherit, and with their overrides (buildx `bake/bake.go`, `ResolveTarget`). */
export class Resolver {
  readonly #targets: ReadonlyMap<string, RawTarget>;
  readonly #names: Names;
  readonly #overrides: Overrides;
  /** What comes out the same wherever it is inherited: its circles, if any, close at it or above it. */
  readonly #resolved = new Map<string, RawTarget>();
  readonly #inheritable = new Map<RawTarget, RawTarget>();

  constructor(targets: ReadonlyMap<string, RawTarget>, names: Names, overrides: Overrides) {
    this.#targets = targets;
    this.#names = names;
    this.#overrides = overrides;
  }

  /** Throws {@link HclError} for a missing target or parent, at the place that names it, and for a wrong override. */
  target(name: string, namedAt?: Span): RawTarget {
    const { target } = this.#inherit(name, namedAt, new Map());
    if (target === undefined) throw new HclError(unknownTarget(name, this.#names, namedAt));
    return target;
  }

  /**
   * `open` are the targets that are being resolved, each with its depth; `lowest` is the least depth at which a circle was
   * closed on the way: the result holds only below that.
   */
  #inherit(
    name: string,
    namedAt: Span | undefined,
    open: Map<string, number>,
  ): { readonly target: RawTarget | undefined; readonly lowest: number } {
    const known = this.#resolved.get(name);
    if (known !== undefined) return { target: known, lowest: Number.POSITIVE_INFINITY };
    const closed = open.get(name);
    if (closed !== undefined) return { target: undefined, lowest: closed };
    const own = this.#targets.get(name);
    if (own === undefined) throw new HclError(unknownTarget(name, this.#names, namedAt));
    const depth = open.size;
    open.set(name, depth);
    let sofar: RawTarget | undefined;
    const above: { at: Span; target: RawTarget }[] = [];
    let lowest = Number.POSITIVE_INFINITY;
    const inheritsAt = own.places.get('inherits');
    for (const parent of own.inherits ?? []) {
      const inherited = this.#inherit(parent, inheritsAt, open);
      lowest = Math.min(lowest, inherited.lowest);
      const { target } = inherited;
      if (target === undefined) continue;
      if (inheritsAt !== undefined) above.push({ at: inheritsAt, target });
      sofar = sofar === undefined ? target : mergeTargets(sofar, target);
    }
    open.delete(name);
    const merged = sofar === undefined ? own : mergeTargets(this.#heritage(sofar), own, above);
    const overrides = this.#overrides.get(name) ?? [];
    const overridden = overrides.length === 0 ? ok(merged) : applyOverrides(merged, overrides);
    if (!overridden.ok) throw new HclError(overridden.failure);
    if (lowest < depth) return { target: overridden.value, lowest };
    this.#resolved.set(name, overridden.value);
    return { target: overridden.value, lowest: Number.POSITIVE_INFINITY };
  }

  /** What a target gets from above: not the parents' own parents, nor their places. */
  #heritage(target: RawTarget): RawTarget {
    const known = this.#inheritable.get(target);
    if (known !== undefined) return known;
    const { inherits: _parents, above: _above, ...rest } = target;
    const inheritable = { ...rest, places: NOWHERE };
    this.#inheritable.set(target, inheritable);
    return inheritable;
  }
}

const NOWHERE: ReadonlyMap<string, Span> = new Map();
