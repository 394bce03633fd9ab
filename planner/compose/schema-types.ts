type ScalarType = 'string' | 'integer' | 'number' | 'boolean' | 'null';

/** What a value may be. */
export type Schema =
  | {
      readonly is: 'scalar';
      readonly types: readonly ScalarType[];
      readonly pattern?: RegExp;
      readonly words?: readonly string[];
      readonly least?: number;
      readonly most?: number;
    }
  | { readonly is: 'list'; readonly item: Schema; readonly unique: boolean }
  | MapSchema
  | { readonly is: 'either'; readonly options: readonly Schema[] };

/** A mapping: known keys, keys by pattern, and whether others are allowed. */
export interface MapSchema {
  readonly is: 'map';
  readonly keys: ReadonlyMap<string, Schema>;
  readonly pattern?: { readonly keys: RegExp; readonly value: Schema };
  readonly required: readonly string[];
  readonly isOpen: boolean;
}

const scalar = (...types: readonly ScalarType[]): Schema => ({ is: 'scalar', types });

export const STRING = scalar('string');
export const BOOLEAN = scalar('boolean');
export const NUMBER = scalar('number');
export const INTEGER = scalar('integer');
export const BOOLEAN_OR_STRING = scalar('boolean', 'string');
export const INTEGER_OR_STRING = scalar('integer', 'string');
export const NUMBER_OR_STRING = scalar('number', 'string');
export const ANY_SCALAR = scalar('boolean', 'null', 'number', 'string');
export const STRING_OR_NULL = scalar('null', 'string');
export const NULL = scalar('null');
export const NUMBER_OR_STRING_OR_BOOLEAN = scalar('boolean', 'number', 'string');

/** A text that is one of some words. */
export const oneOf = (...words: readonly string[]): Schema => ({ is: 'scalar', types: ['string'], words });

/** A text with a form. */
export const matching = (pattern: RegExp): Schema => ({ is: 'scalar', types: ['string'], pattern });

/** A whole number in a range. */
export const between = (least: number, most = Number.POSITIVE_INFINITY): Schema => ({
  is: 'scalar',
  types: ['integer'],
  least,
  most,
});

/** The first of the alternatives is the one that messages name. */
export const either = (...options: readonly Schema[]): Schema => ({ is: 'either', options });

export const listOf = (item: Schema): Schema => ({ is: 'list', item, unique: false });

/** A list in which nothing stands twice. */
export const setOf = (item: Schema): Schema => ({ is: 'list', item, unique: true });

/**
 * A mapping of known keys, and `x-` keys if it says `x`. A key that ends in `*` must be there. `open` lets any other key
 * pass.
 */
export function mapping(
  keys: Readonly<Record<string, Schema>>,
  {
    x = false,
    open = false,
    pattern,
  }: { readonly x?: boolean; readonly open?: boolean; readonly pattern?: MapSchema['pattern'] } = {},
): MapSchema {
  const bare = (key: string): string => key.replace(/\*$/, '');
  return {
    is: 'map',
    keys: new Map(Object.entries(keys).map(([key, value]) => [bare(key), value] as const)),
    required: Object.keys(keys)
      .filter((key) => key.endsWith('*'))
      .map(bare),
    isOpen: open,
    ...(pattern === undefined ? (x ? { pattern: { keys: /^x-/, value: ANYTHING } } : {}) : { pattern }),
  };
}

/** A mapping with one kind of value, its keys of a form. */
export const mapOf = (value: Schema, keys: RegExp, options: { readonly open?: boolean } = {}): MapSchema =>
  mapping({}, { ...options, pattern: { keys, value } });

/** No check at all. */
export const ANYTHING: Schema = { is: 'either', options: [] };
