/**
 * A value as the JSON that Go's encoder writes: two spaces a level, a newline at the end, and what only Go escapes. A `Map` is
 * an object whose keys stay in their order, be they digits; what is undefined in an object is left out.
 */
export function goJson(value: unknown): string {
  return `${written(value, '\n')}\n`;
}

/** A text in quotes, with the escapes of Go's encoder. */
export function goQuoted(text: string): string {
  if (NEEDS_NO_ESCAPE.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const NEEDS_NO_ESCAPE = /^[ !#-%'-;=?-[\]-~]*$/;

/** `line` begins a line of the level that the value stands on. */
function written(value: unknown, line: string): string {
  if (typeof value === 'string') return goQuoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${line}  `;
  if (Array.isArray(value))
    return enclosed(
      '[',
      ']',
      value.map((item) => written(item, inner)),
      line,
    );
  const fields: string[] = [];
  for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
    if (item !== undefined) fields.push(`${goQuoted(String(key))}: ${written(item, inner)}`);
  }
  return enclosed('{', '}', fields, line);
}

function enclosed(open: string, close: string, items: readonly string[], line: string): string {
  if (items.length === 0) return open + close;
  const inner = `${line}  `;
  return `${open}${inner}${items.join(`,${inner}`)}${line}${close}`;
}
