import type { Diagnostic } from '../diagnostic.ts';
import type { Attribute, Block, Expression } from '../hcl/ast.ts';
import { convert } from '../hcl/convert.ts';
import { HclError, mapAll } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import type { Scope } from '../hcl/scope.ts';
import { article } from '../hcl/suggest.ts';
import { BOOL, STRING } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { kindOf, sortedKeys } from '../hcl/value.ts';
import type { RawEntry } from '../options/entries.ts';
import { attestEntry, cacheEntries, outputEntry, secretEntry, sshEntry } from '../options/entries.ts';
import type { Result } from '../result.ts';
import type { Span } from '../source.ts';
import type { MutableRawTarget, RawTarget } from './raw-target.ts';
import { lastOfEach, unique, uniqueEntries } from './raw-target.ts';
import { isTargetAttribute } from './schema.ts';

/**
 * Evaluates one target block. Attributes that bake does not know are left alone. Each attribute that is wrong is told
 * once; the target then comes without it.
 */
export function decodeTarget(
  name: string,
  block: Block,
  scope: Scope,
): { readonly target: RawTarget; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const places = new Map<string, Span>([['', block.headerSpan]]);
  const raw: MutableRawTarget = { name, places };
  for (const attribute of block.body.attributes.values()) {
    if (!isTargetAttribute(attribute.name)) continue;
    try {
      decodeAttribute(attribute, scope, raw);
      places.set(attribute.name, attribute.expression.span);
    } catch (error) {
      if (!(error instanceof HclError)) throw error;
      diagnostics.push(...error.diagnostics.map((one) => ({ span: attribute.expression.span, ...one })));
    }
  }
  return { target: raw, diagnostics };
}

/** The text of an attribute; undefined for null. Throws {@link HclError}. */
export function decodeText(attribute: Attribute, scope: Scope): string | undefined {
  return textOf(evaluate(attribute.expression, scope), placeOf(attribute));
}

/** The list of texts of an attribute, each once; undefined for null. Throws {@link HclError}. */
export function decodeTexts(attribute: Attribute, scope: Scope): readonly string[] | undefined {
  return textsOf(evaluate(attribute.expression, scope), placeOf(attribute));
}

function decodeAttribute(attribute: Attribute, scope: Scope, raw: MutableRawTarget): void {
  const value = evaluate(attribute.expression, scope);
  const at = placeOf(attribute);
  switch (attribute.name) {
    case 'description':
    case 'context':
    case 'dockerfile':
    case 'target':
    case 'network':
    case 'call':
      return assign(raw, attribute.name, textOf(value, at));
    case 'dockerfile-inline':
      return assign(raw, 'dockerfileInline', textOf(value, at));
    case 'shm-size':
      return assign(raw, 'shmSize', textOf(value, at));
    case 'project_id':
      return assign(raw, 'projectId', textOf(value, at));
    case 'pull':
      return assign(raw, 'pull', flagOf(value, at));
    case 'no-cache':
      return assign(raw, 'noCache', flagOf(value, at));
    case 'tags':
    case 'platforms':
    case 'inherits':
    case 'annotations':
    case 'ulimits':
    case 'entitlements':
      return assign(raw, attribute.name, textsOf(value, at));
    case 'no-cache-filter':
      return assign(raw, 'noCacheFilter', textsOf(value, at));
    case 'args':
    case 'labels':
      return assign(raw, attribute.name, mapOf(value, at, 'skip'));
    case 'extra-hosts':
      return assign(raw, 'extraHosts', mapOf(value, at, 'skip'));
    case 'contexts':
      return assign(raw, 'contexts', mapOf(value, at, 'refuse'));
    case 'cache-from':
      return assign(
        raw,
        'cacheFrom',
        uniqueEntries(mapAll(entriesOf(value, at), (entry) => parsed(cacheEntries(entry.raw), entry.at)).flat()),
      );
    case 'cache-to':
      return assign(
        raw,
        'cacheTo',
        uniqueEntries(mapAll(entriesOf(value, at), (entry) => parsed(cacheEntries(entry.raw), entry.at)).flat()),
      );
    case 'output':
      return assign(
        raw,
        'output',
        mapAll(entriesOf(value, at), (entry) => parsed(outputEntry(entry.raw), entry.at)),
      );
    case 'attest':
      return assign(
        raw,
        'attest',
        lastOfEach(
          mapAll(entriesOf(value, at), (entry) => parsed(attestEntry(entry.raw), entry.at)),
          (entry) => entry.type,
        ),
      );
    case 'secret':
      return assign(
        raw,
        'secret',
        lastOfEach(
          mapAll(entriesOf(value, at), (entry) => parsed(secretEntry(entry.raw), entry.at)),
          (entry) => entry.id,
        ),
      );
    case 'ssh':
      return assign(
        raw,
        'ssh',
        lastOfEach(
          mapAll(entriesOf(value, at), (entry) => parsed(sshEntry(entry.raw), entry.at)),
          (entry) => entry.id,
        ),
      );
  }
}

interface Place {
  readonly name: string;
  readonly span: Span;
  readonly expression: Expression;
}

function placeOf({ name, expression }: Attribute): Place {
  return { name, span: expression.span, expression };
}

/** The place of an element, where the attribute is written as a list. */
function elementAt(at: Place, index: number): Place {
  const written = at.expression.is === 'tuple' ? at.expression.items[index] : undefined;
  return written === undefined ? at : { ...at, span: written.span };
}

function assign<K extends keyof RawTarget>(raw: MutableRawTarget, key: K, value: RawTarget[K] | undefined): void {
  if (value !== undefined) raw[key] = value;
}

function wrong(at: Place, message: string, hint: string): HclError {
  return new HclError({ reason: 'wrong-type', message: `${at.name}: ${message}`, hint, span: at.span });
}

function textOf(value: Value, at: Place): string | undefined {
  if (value.is === 'null') {
    if (at.name === 'description') throw wrong(at, 'must not be null', 'give it a text, or leave it out');
    return undefined;
  }
  const converted = convert(value, STRING);
  if (converted.ok && converted.value.is === 'string') return converted.value.value;
  throw wrong(at, `a string is expected, this is ${article(kindOf(value))}`, `write ${at.name} = "..."`);
}

function flagOf(value: Value, at: Place): boolean | undefined {
  if (value.is === 'null') return undefined;
  const converted = convert(value, BOOL);
  if (converted.ok && converted.value.is === 'bool') return converted.value.value;
  throw wrong(at, converted.ok ? 'a bool is expected' : converted.failure, `write ${at.name} = true or false`);
}

function textsOf(value: Value, at: Place): readonly string[] | undefined {
  if (value.is === 'null') return undefined;
  if (!('items' in value))
    throw wrong(at, `a list of strings is expected, this is ${article(kindOf(value))}`, `write ${at.name} = ["..."]`);
  return unique(
    value.items.map((item, index) => {
      const converted = item.is === 'null' ? undefined : convert(item, STRING);
      if (converted?.ok === true && converted.value.is === 'string') return converted.value.value;
      throw wrong(
        elementAt(at, index),
        `element ${index} is ${article(kindOf(item))}, a string is expected`,
        `write ${at.name} = ["..."]`,
      );
    }),
  );
}

function mapOf(value: Value, at: Place, nulls: 'skip' | 'refuse'): ReadonlyMap<string, string> | undefined {
  if (value.is === 'null') return undefined;
  if (!('entries' in value))
    throw wrong(at, `an object is expected, this is ${article(kindOf(value))}`, `write ${at.name} = { key = "value" }`);
  const map = new Map<string, string>();
  for (const key of sortedKeys(value.entries)) {
    const one = value.entries.get(key);
    if (one === undefined || (one.is === 'null' && nulls === 'skip')) continue;
    const converted = one.is === 'null' ? undefined : convert(one, STRING);
    if (converted?.ok !== true || converted.value.is !== 'string') {
      throw wrong(
        at,
        `the value of ${JSON.stringify(key)} is ${article(kindOf(one))}, a string is expected`,
        `write ${at.name} = { ${key} = "..." }`,
      );
    }
    map.set(key, converted.value.value);
  }
  return map;
}

interface PlacedEntry {
  readonly raw: RawEntry;
  readonly at: Place;
}

function entriesOf(value: Value, at: Place): readonly PlacedEntry[] {
  if (value.is === 'null') throw wrong(at, 'must not be null', 'write [] for none');
  if (!('items' in value))
    throw wrong(at, `a list is expected, this is ${article(kindOf(value))}`, `write ${at.name} = ["..."]`);
  return value.items.flatMap((item, index): PlacedEntry[] => {
    const place = elementAt(at, index);
    if (item.is === 'string') return item.value === '' ? [] : [{ raw: item.value, at: place }];
    if ('entries' in item) return [{ raw: pairsOf(item.entries, place, index), at: place }];
    throw wrong(
      elementAt(at, index),
      `element ${index} is ${article(kindOf(item))}, a string or an object is expected`,
      `write ${at.name} = ["key=value"] or [{ key = "value" }]`,
    );
  });
}

function pairsOf(entries: ReadonlyMap<string, Value>, at: Place, index: number): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const [key, value] of entries) {
    const isPaths = at.name === 'ssh' && key === 'paths';
    if (isPaths && !('items' in value))
      throw wrong(at, `paths of element ${index}: a list of strings is expected`, 'write paths = ["..."]');
    if ('items' in value && isPaths) {
      pairs.set(key, value.items.map((item) => scalar(item, at, index, key)).join(','));
    } else {
      pairs.set(key, scalar(value, at, index, key));
    }
  }
  return pairs;
}

function scalar(value: Value, at: Place, index: number, key: string): string {
  const converted = value.is === 'null' ? undefined : convert(value, STRING);
  if (converted?.ok === true && converted.value.is === 'string') return converted.value.value;
  throw wrong(at, `${key} of element ${index} is ${article(kindOf(value))}, a string is expected`, 'give it a text');
}

function parsed<T>(result: Result<T, string>, at: Place): T {
  if (result.ok) return result.value;
  throw new HclError({
    reason: 'invalid-entry',
    message: `${at.name}: ${result.failure}`,
    hint: `a comma-separated list of key=value is expected, or an object`,
    span: at.span,
  });
}
