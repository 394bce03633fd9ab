/** Whether this is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text; empty where there is none, undefined for what is no text. Like Go, `null` is nothing. */
export function asText(value: unknown): string | undefined {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : undefined;
}

/** A list of texts, of the same kind. */
export function asTexts(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const texts = value.map(asText);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** Texts by name, of the same kind. */
export function asTextMap(value: unknown): ReadonlyMap<string, string> | undefined {
  if (value === undefined || value === null) return new Map();
  if (!isRecord(value)) return undefined;
  const map = new Map<string, string>();
  for (const [key, item] of Object.entries(value)) {
    const text = asText(item);
    if (text === undefined) return undefined;
    map.set(key, text);
  }
  return map;
}

/** JSON of bytes that others sent; undefined for what is none. */
export function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
