/**
 * A value as a Go program holds it: what registries' tools print and digest is the JSON of such values. `undefined` is nil, a
 * bigint is an integer, a number is a float64 (as all numbers of JSON are that nobody expects).
 */
export type GoValue =
  | undefined
  | string
  | number
  | bigint
  | boolean
  | readonly GoValue[]
  | ReadonlyMap<string, GoValue>
  | GoStruct
  | GoTime;

/** A field of a struct: its name in Go, and in JSON, where it is there as well. */
export interface GoField {
  readonly name: string;
  readonly json?: string;
  readonly value: GoValue;
  /** Left out of JSON where it is empty; a struct never is. */
  readonly omitEmpty?: boolean;
}

/** A struct: fields in an order. */
export class GoStruct {
  /** `Descriptor`: for messages. */
  readonly type: string;
  readonly fields: readonly GoField[];
  /** Whether it is a pointer to nothing. */
  readonly isNil: boolean;

  constructor(type: string, fields: readonly GoField[] | undefined) {
    this.type = type;
    this.fields = fields ?? [];
    this.isNil = fields === undefined;
  }

  /** Undefined where there is none of this name; a field that is nil is one. */
  field(name: string): GoField | undefined {
    return this.fields.find((one) => one.name === name);
  }
}

/** A map of texts, of which what is not in it is the empty text. */
export class GoTexts extends Map<string, string> {}

/** A time, as JSON has it: `2026-11-27T04:49:23.5Z`. */
export class GoTime {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The same value as `goJson` writes it: structs in their order, maps by key, nil as null (Go, `encoding/json`). */
export function goPlain(value: GoValue): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof GoTime) return value.text;
  if (value instanceof GoStruct) {
    if (value.isNil) return null;
    const shown = value.fields.filter((field) => field.omitEmpty !== true || !isEmpty(field.value));
    return new Map(shown.flatMap(({ json, value: item }) => (json === undefined ? [] : [[json, goPlain(item)]])));
  }
  if (value instanceof Map) return new Map(sortedEntries(value).map(([key, item]) => [key, goPlain(item)]));
  if (Array.isArray(value)) return value.map(goPlain);
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** What Go makes of any JSON: objects are maps. */
export function goAny(json: unknown): GoValue {
  if (json === null || json === undefined) return undefined;
  if (Array.isArray(json)) return json.map(goAny);
  if (typeof json === 'object') return new Map(Object.entries(json).map(([key, value]) => [key, goAny(value)]));
  return typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean' ? json : undefined;
}

/** The entries of a map by the bytes of their keys, as Go prints and ranges over them. */
export function sortedEntries<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** What `omitempty` leaves out, and what is false to a template (structs aside). */
export function isEmpty(value: GoValue): boolean {
  if (value instanceof GoStruct) return value.isNil;
  if (value instanceof Map) return value.size === 0;
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === '' || value === 0 || value === 0n || value === false;
}
