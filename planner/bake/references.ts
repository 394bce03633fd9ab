import type { Block, Expression } from '../hcl/ast.ts';
import { convert } from '../hcl/convert.ts';
import { HclError } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import type { Scope } from '../hcl/scope.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { STRING } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { NULL, object, text } from '../hcl/value.ts';
import type { RawEntry } from '../options/entries.ts';
import { attestEntry, cacheEntries, outputEntry, secretEntry, sshEntry } from '../options/entries.ts';
import type { AttributeKind } from './schema.ts';
import { isTargetAttribute, TARGET_ATTRIBUTES } from './schema.ts';

/** A block that others may refer to, with the names that hold inside it (matrix axes). */
export interface ReferableBlock {
  readonly block: Block;
  readonly scope: () => Scope;
}

/** Finds blocks by kind and name. */
export interface BlockLookup {
  readonly find: (kind: 'target' | 'group', name: string) => ReferableBlock | undefined;
  readonly names: (kind: 'target' | 'group') => Iterable<string>;
}

/**
 * Values of `target.NAME.ATTR` and `group.NAME.ATTR`, each computed when it is first needed. They show only what the
 * block itself says: nothing inherited, no overrides, no defaults (buildx `bake/hclparser`).
 */
export class BlockReferences {
  readonly #lookup: BlockLookup;
  readonly #values = new Map<string, Value | 'running' | HclError>();
  /** What is being computed, outermost first. */
  readonly #path: string[] = [];

  constructor(lookup: BlockLookup) {
    this.#lookup = lookup;
  }

  /** Undefined when the expression is no such reference. */
  value(expression: Extract<Expression, { is: 'attribute' }>): Value | undefined {
    const { of } = expression;
    const kind =
      of.is === 'attribute' && of.of.is === 'variable' ? of.of.name : of.is === 'variable' ? of.name : undefined;
    if (kind !== 'target' && kind !== 'group') return undefined;
    if (of.is !== 'attribute') return undefined;
    return this.#attribute(kind, of.name, expression);
  }

  #attribute(kind: 'target' | 'group', name: string, expression: Extract<Expression, { is: 'attribute' }>): Value {
    const found = this.#lookup.find(kind, name);
    if (found === undefined) {
      throw new HclError({
        reason: 'unknown-target',
        message: `There is no ${kind} named ${JSON.stringify(name)}`,
        hint: didYouMean(name, this.#lookup.names(kind), `define it: ${kind} ${JSON.stringify(name)} { }`),
        span: expression.of.is === 'attribute' ? expression.of.nameSpan : expression.span,
      });
    }
    const path = `${kind}.${name}.${expression.name}`;
    const known = this.#values.get(path);
    if (known instanceof HclError) throw known;
    if (known === 'running') {
      const circle = [...this.#path.slice(this.#path.indexOf(path)), path];
      throw new HclError({
        reason: 'reference-cycle',
        message: `${path} needs itself: ${circle.join(' -> ')}`,
        hint: 'break the circle of references',
        span: expression.span,
      });
    }
    if (known !== undefined) return known;
    this.#values.set(path, 'running');
    this.#path.push(path);
    try {
      const value = this.#compute(kind, name, expression, found);
      this.#values.set(path, value);
      return value;
    } catch (error) {
      if (error instanceof HclError) this.#values.set(path, error);
      throw error;
    } finally {
      this.#path.pop();
    }
  }

  #compute(
    kind: 'target' | 'group',
    name: string,
    expression: Extract<Expression, { is: 'attribute' }>,
    found: ReferableBlock,
  ): Value {
    if (expression.name === 'name') return text(name);
    const shape = kind === 'group' ? { targets: 'strings', description: 'string' } : TARGET_ATTRIBUTES;
    const known = kind === 'group' ? Object.hasOwn(shape, expression.name) : isTargetAttribute(expression.name);
    if (!known) {
      throw new HclError({
        reason: 'unknown-attribute',
        message: `A ${kind} has no attribute ${JSON.stringify(expression.name)}`,
        hint: didYouMean(expression.name, Object.keys(shape), `it has ${Object.keys(shape).join(', ')}`),
        span: expression.nameSpan,
      });
    }
    const attribute = found.block.body.attributes.get(expression.name);
    if (attribute === undefined) return NULL;
    const value = evaluate(attribute.expression, found.scope());
    const kindOfAttribute: AttributeKind = isTargetAttribute(expression.name)
      ? TARGET_ATTRIBUTES[expression.name]
      : 'strings';
    return shaped(value, kindOfAttribute);
  }
}

/** The value in the shape the attribute has; what cannot have it is left for the target's own diagnostics. */
function shaped(value: Value, kind: AttributeKind): Value {
  switch (kind) {
    case 'string':
      return converted(value, { is: 'string' });
    case 'bool':
      return converted(value, { is: 'bool' });
    case 'strings':
      return converted(value, { is: 'list', element: STRING });
    case 'map':
      return converted(value, { is: 'map', element: STRING });
    default:
      return structured(value, kind);
  }
}

function converted(value: Value, type: Parameters<typeof convert>[1]): Value {
  const result = convert(value, type);
  return result.ok ? result.value : value;
}

function structured(value: Value, kind: AttributeKind): Value {
  if (!('items' in value)) return value;
  const items = value.items.flatMap((item) => {
    const raw = rawEntry(item);
    return raw === undefined ? [item] : entryValues(raw, kind);
  });
  return { is: 'tuple', items };
}

function rawEntry(item: Value): RawEntry | undefined {
  if (item.is === 'string') return item.value;
  if (!('entries' in item)) return undefined;
  return new Map([...item.entries].flatMap(([key, one]) => (one.is === 'string' ? [[key, one.value] as const] : [])));
}

function entryValues(raw: RawEntry, kind: AttributeKind): readonly Value[] {
  switch (kind) {
    case 'cache': {
      const parsed = cacheEntries(raw);
      return parsed.ok ? parsed.value.map((entry) => textMap({ ...entry.attrs, type: entry.type })) : [];
    }
    case 'output': {
      const parsed = outputEntry(raw);
      return parsed.ok ? [textMap({ ...parsed.value.attrs, type: parsed.value.type })] : [];
    }
    case 'attest': {
      const parsed = attestEntry(raw);
      return parsed.ok ? [textMap({ ...parsed.value.attrs, type: parsed.value.type })] : [];
    }
    case 'secret': {
      const parsed = secretEntry(raw);
      const entry = parsed.ok ? parsed.value : { id: '' };
      return [
        object([
          ['id', text(entry.id)],
          ['src', text(entry.src ?? '')],
          ['env', text(entry.env ?? '')],
        ]),
      ];
    }
    case 'ssh': {
      const parsed = sshEntry(raw);
      const entry = parsed.ok ? parsed.value : { id: '', paths: [] };
      return [
        object([
          ['id', text(entry.id)],
          ['paths', { is: 'list', element: STRING, items: entry.paths.map(text) }],
        ]),
      ];
    }
    default:
      return [];
  }
}

function textMap(attributes: Readonly<Record<string, string>>): Value {
  return {
    is: 'map',
    element: STRING,
    entries: new Map(Object.entries(attributes).map(([key, value]) => [key, text(value)])),
  };
}
