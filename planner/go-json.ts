/**
 * A value as the JSON that Go's encoder writes: two spaces a level, a newline at the end, and what only Go escapes. A `Map` is
 * an object whose keys stay in their order, be they digits; what is undefined in an object is left out.
 */
export function goJson(value: unknown): string {
  const pieces: string[] = [];
  write(value, '\n', pieces);
  return `${pieces.join('')}\n`;
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
function write(value: unknown, line: string, into: string[]): void {
  if (typeof value === 'string') into.push(goQuoted(value));
  else if (typeof value !== 'object' || value === null) into.push(JSON.stringify(value));
  else if (Array.isArray(value)) writeArray(value, line, into);
  else writeObject(value instanceof Map ? value : Object.entries(value), line, into);
}

function writeArray(items: readonly unknown[], line: string, into: string[]): void {
  const inner = `${line}  `;
  let before = '[';
  for (const item of items) {
    into.push(before, inner);
    write(item, inner, into);
    before = ',';
  }
  into.push(before === '[' ? '[]' : `${line}]`);
}

function writeObject(entries: Iterable<readonly [unknown, unknown]>, line: string, into: string[]): void {
  const inner = `${line}  `;
  let before = '{';
  for (const [key, item] of entries) {
    if (item === undefined) continue;
    into.push(before, inner, goQuoted(String(key)), ': ');
    write(item, inner, into);
    before = ',';
  }
  into.push(before === '{' ? '{}' : `${line}}`);
}
