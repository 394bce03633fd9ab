/**
 * Upper and lower case of one code point at a time, never of more than one (Go `unicode.ToUpper`): "ß" has no capital
 * letter then, and no letter depends on its neighbours.
 */
export function toUpper(whole: string): string {
  return IS_ASCII.test(whole) ? whole.toUpperCase() : eachCharacter(whole, upperOf);
}

export function toLower(whole: string): string {
  if (IS_ASCII.test(whole)) return whole.toLowerCase();
  return eachCharacter(whole, (one) => (one === '\u0130' ? 'i' : single(one, one.toLowerCase())));
}

const IS_ASCII = /^[\x00-\x7f]*$/;

/**
 * A capital at the start of every word, where a word starts after anything that is neither letter, digit nor underscore;
 * beyond ASCII only after white space (Go `strings.Title`).
 */
export function toTitle(whole: string): string {
  let before = ' ';
  return eachCharacter(whole, (one) => {
    const result = isSeparator(before) ? titleOf(one) : one;
    before = one;
    return result;
  });
}

function eachCharacter(whole: string, change: (character: string) => string): string {
  return Array.from(whole, change).join('');
}

function single(from: string, to: string): string {
  return to.length === String.fromCodePoint(to.codePointAt(0) ?? 0).length ? to : from;
}

/** Greek letters with an iota below have a capital of their own that `toUpperCase` spells out in two letters. */
function upperOf(one: string): string {
  const code = one.codePointAt(0) ?? 0;
  if (code >= 0x1f80 && code <= 0x1faf && (code & 8) === 0) return String.fromCodePoint(code + 8);
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9);
  return single(one, one.toUpperCase());
}

/** Two letters in one (`ǆ`) have a third form; Georgian has capitals, yet none at the start of words. */
function titleOf(one: string): string {
  const code = one.codePointAt(0) ?? 0;
  if (code >= 0x1c4 && code <= 0x1cc) return String.fromCodePoint(0x1c5 + Math.floor((code - 0x1c4) / 3) * 3);
  if (code >= 0x1f1 && code <= 0x1f3) return '\u01f2';
  if (code >= 0x10d0 && code <= 0x10ff) return one;
  return upperOf(one);
}

function isSeparator(one: string): boolean {
  if (one <= '\u007f') return !/\w/.test(one);
  return /\p{White_Space}/u.test(one);
}
