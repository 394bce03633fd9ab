/** Inclusive code points. */
export type Range = readonly [low: number, high: number];

/** One part of a class. */
export type Part = (code: number) => boolean;

/** A set of code points. Answers for ASCII are kept. */
export class CharClass {
  readonly #parts: readonly Part[];
  readonly #negated: boolean;
  readonly #ascii = new Int8Array(128);

  constructor(parts: readonly Part[], negated = false) {
    this.#parts = parts;
    this.#negated = negated;
  }

  has(code: number): boolean {
    if (code >= 128) return this.#find(code);
    const known = this.#ascii[code];
    if (known !== 0) return known === 1;
    const found = this.#find(code);
    this.#ascii[code] = found ? 1 : -1;
    return found;
  }

  #find(code: number): boolean {
    return this.#parts.some((has) => has(code)) !== this.#negated;
  }
}

/** Ranges as a part of a class. */
export function rangesPart(ranges: readonly Range[], fold: boolean, negated = false): Part {
  if (fold) return matchedBy(ranges.map(([low, high]) => `${escape(low)}-${escape(high)}`).join(''), fold, negated);
  return (code) => ranges.some(([low, high]) => low <= code && code <= high) !== negated;
}

/** `\p{name}`: a general category, a script, or Any; undefined for a name that means nothing. */
export function propertyPart(name: string, fold: boolean, negated: boolean): Part | undefined {
  if (!/^\w+$/.test(name)) return undefined;
  for (const property of [`gc=${name}`, `sc=${name}`, ...(PLAIN.has(name) ? [name] : [])]) {
    try {
      return matchedBy(`\\p{${property}}`, fold, negated);
    } catch {
      continue;
    }
  }
  return undefined;
}

/**
 * JavaScript's own tables of Unicode answer: its `iu` folds case as Go does (simple folding), and one code point at a time
 * there is nothing to backtrack. Throws when it is no class.
 */
function matchedBy(source: string, fold: boolean, negated: boolean): Part {
  const pattern = new RegExp(`^[${source}]$`, fold ? 'iu' : 'u');
  return (code) => pattern.test(String.fromCodePoint(code)) !== negated;
}

const PLAIN = new Set(['Any', 'ASCII', 'Assigned']);

function escape(code: number): string {
  return `\\u{${code.toString(16)}}`;
}

const digits: readonly Range[] = [[0x30, 0x39]];
const upper: readonly Range[] = [[0x41, 0x5a]];
const lower: readonly Range[] = [[0x61, 0x7a]];
const alpha = [...upper, ...lower];
const word: readonly Range[] = [...digits, ...alpha, [0x5f, 0x5f]];

/** `\d` and its like: ASCII only. */
export const PERL_CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: digits,
  s: [
    [0x09, 0x0a],
    [0x0c, 0x0d],
    [0x20, 0x20],
  ],
  w: word,
};

/** `[:alpha:]` and its like: ASCII only. */
export const POSIX_CLASSES: Readonly<Record<string, readonly Range[]>> = {
  alnum: [...digits, ...alpha],
  alpha,
  ascii: [[0x00, 0x7f]],
  blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  cntrl: [
    [0x00, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: digits,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
  ],
  upper,
  word,
  xdigit: [...digits, [0x41, 0x46], [0x61, 0x66]],
};
