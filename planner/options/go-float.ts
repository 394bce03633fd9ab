const FORM = /^[+-]?(?:(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

/** A number as Go reads it (`strconv.ParseFloat`, but for hexadecimal ones); undefined when a text is none. */
export function goFloat(text: string): number | undefined {
  if (!FORM.test(text)) return undefined;
  const word = /^([+-]?)(inf|nan)/i.exec(text);
  if (word !== null) return /nan/i.test(text) ? Number.NaN : Number(`${word[1] ?? ''}Infinity`);
  const value = Number(text.replaceAll('_', ''));
  return Number.isFinite(value) ? value : undefined;
}
