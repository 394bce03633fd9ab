import type { Diagnostic } from '../diagnostic.ts';
import { article, nearestName } from '../hcl/suggest.ts';
import type { Span } from '../source.ts';
import { upToMost } from './error.ts';
import type { MapNode, Node, ScalarNode } from './node.ts';
import { nodeKey } from './node.ts';
import type { Path } from './path.ts';
import { pathText } from './path.ts';
import { scalarText } from './scalar.ts';
import type { MapSchema, Schema } from './schema-types.ts';

interface Problem {
  readonly path: Path;
  readonly detail: string;
  readonly hint: string;
  readonly span: Span;
  /** Whether the value is of a kind that the schema wants. */
  readonly isKind: boolean;
}

/** Every place where a model is not what the schema allows. */
export function schemaProblems(model: Node, schema: Schema): readonly Diagnostic[] {
  return problems(model, schema, []).map(({ path, detail, hint, span }) => ({
    reason: 'schema',
    message: `${path.length === 0 ? 'top level:' : pathText(path)} ${detail}`,
    hint,
    span,
  }));
}

function problems(node: Node, schema: Schema, path: Path): readonly Problem[] {
  switch (schema.is) {
    case 'scalar':
      return scalarProblems(node, schema, path);
    case 'list':
      return listProblems(node, schema, path);
    case 'map':
      return mapProblems(node, schema, path);
    case 'either':
      return eitherProblems(node, schema.options, path);
  }
}

/** The problems of the alternative that was meant: one of the value's kind, else the first. */
function eitherProblems(node: Node, options: readonly Schema[], path: Path): readonly Problem[] {
  const tried: (readonly Problem[])[] = [];
  for (const option of options) {
    const found = problems(node, option, path);
    if (found.length === 0) return [];
    tried.push(found);
  }
  const meant = tried.find((found) => found.every(({ isKind }) => isKind));
  if (meant !== undefined) return meant;
  const hint = wanted(node, options.map(describe).join(' or '));
  return (tried[0] ?? []).map((one) => ({ ...one, hint }));
}

type Of<K extends Schema['is']> = Extract<Schema, { is: K }>;

function wrongKind(node: Node, schema: Schema, path: Path): readonly Problem[] {
  const names = schema.is === 'scalar' ? [...schema.types].sort() : [schema.is === 'list' ? 'array' : 'mapping'];
  const last = names.at(-1) ?? '';
  const words = names.length === 1 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
  return [
    { path, detail: `must be ${article(words)}`, hint: wanted(node, describe(schema)), span: node.span, isKind: false },
  ];
}

/** What would be right in the place of a value. */
function wanted(node: Node, what: string): string {
  const isDate =
    node.is === 'scalar' && typeof node.value === 'object' && node.value !== null && 'timestamp' in node.value;
  return isDate ? 'this is read as a date; put it in quotes' : `${what} is expected`;
}

function describe(schema: Schema): string {
  switch (schema.is) {
    case 'scalar':
      return schema.words === undefined ? schema.types.map(typeWords).join(' or ') : schema.words.join(' or ');
    case 'list':
      return 'a list (- item)';
    case 'map':
      return 'a mapping (key: value)';
    case 'either':
      return schema.options.map(describe).join(' or ');
  }
}

function typeWords(type: Of<'scalar'>['types'][number]): string {
  switch (type) {
    case 'string':
      return 'a text (in quotes, if it looks like something else)';
    case 'integer':
      return 'a whole number';
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'nothing';
  }
}

function scalarProblems(node: Node, schema: Of<'scalar'>, path: Path): readonly Problem[] {
  if (node.is !== 'scalar' || !schema.types.some((type) => hasType(node, type))) return wrongKind(node, schema, path);
  const text = scalarText(node.value);
  const say = (detail: string, hint: string): readonly Problem[] => [
    { path, detail, hint, span: node.span, isKind: true },
  ];
  if (schema.words !== undefined && !schema.words.includes(text)) {
    const near = nearestName(text, schema.words);
    const allowed = schema.words.map((word) => `'${word}'`).join(', ');
    return say(
      `value must be one of ${allowed}`,
      near === undefined ? `it is '${text}'` : `did you mean ${JSON.stringify(near)}?`,
    );
  }
  if (schema.pattern !== undefined && !schema.pattern.test(text)) {
    return say(`'${text}' does not match pattern '${schema.pattern.source}'`, 'the value must have this form');
  }
  const number = numberOf(node);
  if (number === undefined) return [];
  if (schema.least !== undefined && number < schema.least)
    return say(`must be greater than or equal to ${schema.least}`, `it is ${number}`);
  if (schema.most !== undefined && number > schema.most)
    return say(`must be less than or equal to ${schema.most}`, `it is ${number}`);
  return [];
}

function numberOf({ value }: Pick<ScalarNode, 'value'>): number | undefined {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'object' && value !== null && 'float' in value ? value.float : undefined;
}

function hasType({ value }: ScalarNode, type: Of<'scalar'>['types'][number]): boolean {
  const float = typeof value === 'bigint' ? undefined : numberOf({ value });
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'null':
      return value === null;
    case 'integer':
      return typeof value === 'bigint' || (float !== undefined && Number.isInteger(float));
    case 'number':
      return typeof value === 'bigint' || float !== undefined;
  }
}

function listProblems(node: Node, schema: Of<'list'>, path: Path): readonly Problem[] {
  if (node.is !== 'list') return wrongKind(node, schema, path);
  const found = upToMost(node.items.entries(), ([at, item]) => problems(item, schema.item, [...path, String(at)]));
  const inside = found.map((one) => ({ ...one, isKind: true }));
  return schema.unique ? [...inside, ...repeated(node.items, path)] : inside;
}

function repeated(items: readonly Node[], path: Path): readonly Problem[] {
  const seen = new Map<string, number>();
  return upToMost(items.entries(), ([at, item]) => {
    const key = nodeKey(item);
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, at);
    if (earlier === undefined) return [];
    return [
      {
        path,
        detail: `items at ${earlier} and ${at} are equal`,
        hint: 'take out one of them',
        span: item.span,
        isKind: true,
      },
    ];
  });
}

function mapProblems(node: Node, schema: MapSchema, path: Path): readonly Problem[] {
  if (node.is !== 'map') return wrongKind(node, schema, path);
  const found = upToMost(node.entries, ([key, { key: span, value }]) => {
    const known = schema.keys.get(key) ?? (schema.pattern?.keys.test(key) === true ? schema.pattern.value : undefined);
    if (known !== undefined) return problems(value, known, [...path, key]);
    if (schema.isOpen) return [];
    return [
      { path, detail: `additional properties '${key}' not allowed`, hint: unknownKey(key, schema), span, isKind: true },
    ];
  });
  const missing = schema.required
    .filter((key) => !node.entries.has(key))
    .map((key) => ({
      path,
      detail: `missing property '${key}'`,
      hint: `write ${key}: here`,
      span: firstKey(node),
      isKind: true,
    }));
  return [...found.map((one) => ({ ...one, isKind: true })), ...missing];
}

function firstKey(node: MapNode): Span {
  return [...node.entries.values()][0]?.key ?? node.span;
}

/** Keys that releases after the one we follow have. */
const NEWER_KEYS: ReadonlyMap<string, string> = new Map([
  ['no_cache_filter', 'only newer Compose knows it; bake reads x-bake: {no-cache-filter: [STAGE]}'],
  ['pre_start', 'only newer Compose knows it'],
]);

function unknownKey(key: string, schema: MapSchema): string {
  const near = nearestName(key, schema.keys.keys()) ?? nearestName(key.replaceAll('-', '_'), schema.keys.keys());
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`;
  if (schema.keys.has(key.replaceAll('-', '_'))) return `did you mean ${JSON.stringify(key.replaceAll('-', '_'))}?`;
  const newer = NEWER_KEYS.get(key);
  if (newer !== undefined) return newer;
  if (schema.keys.size === 0) return 'names have letters, digits, and . _ -';
  return 'a key of your own begins with x-';
}
