/** A value as the JSON that Go's encoder writes: two spaces a level, a newline at the end, and what only Go escapes. */
export function goJson(value: unknown): string {
  const escaped = JSON.stringify(value, undefined, 2).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}
