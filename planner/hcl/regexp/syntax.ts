import type { Part } from './char-class.ts';
import { CharClass, PERL_CLASSES, POSIX_CLASSES, propertyPart, rangesPart } from './char-class.ts';

/** What a pattern means. */
export type Node =
  | { readonly is: 'char'; readonly code: number }
  | { readonly is: 'class'; readonly class: CharClass }
  | { readonly is: 'assert'; readonly what: Assertion }
  | { readonly is: 'concat'; readonly items: readonly Node[] }
  | { readonly is: 'alternate'; readonly items: readonly Node[] }
  | { readonly is: 'capture'; readonly index: number; readonly of: Node }
  | {
      readonly is: 'repeat';
      readonly of: Node;
      readonly min: number;
      /** Without it, as often as it goes. */
      readonly max?: number;
      readonly greedy: boolean;
    };

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word' | 'no-word';

/** A pattern that was read: its meaning, and the names of its groups from 1 on (empty for those without). */
export interface Pattern {
  readonly node: Node;
  readonly groups: readonly string[];
}

/** Why a pattern is none: the mistake in words, and the part of the pattern that has it. */
export class PatternError extends Error {
  readonly part: string;

  constructor(message: string, part: string) {
    super(message);
    this.name = 'PatternError';
    this.part = part;
  }
}

/** Counted repetitions, also of counted repetitions, up to this many times (Go `regexp/syntax`). */
const MAX_REPEAT = 1000;
/** Deeper than any pattern that is read by people, and no danger to the stack. */
const MAX_DEPTH = 250;

interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly swapGreed: boolean;
}

/**
 * Reads a pattern in the syntax of RE2 as Go's `regexp` has it (https://github.com/google/re2/wiki/Syntax): no
 * look-around and no back-references. Throws {@link PatternError}.
 */
export function parsePattern(source: string): Pattern {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: string;
  readonly #groups: string[] = [];
  #at = 0;
  #flags: Flags = { fold: false, multiline: false, dotAll: false, swapGreed: false };

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Pattern {
    const node = this.#alternation(0);
    if (this.#at < this.#source.length) throw new PatternError('unexpected )', this.#source);
    return { node, groups: this.#groups };
  }

  #rest(): string {
    return this.#source.slice(this.#at);
  }

  #alternation(depth: number): Node {
    if (depth > MAX_DEPTH) throw new PatternError('expression nests too deeply', this.#source);
    const branches: Node[] = [];
    for (;;) {
      branches.push(this.#concatenation(depth));
      if (this.#source[this.#at] !== '|') break;
      this.#at++;
    }
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : { is: 'alternate', items: branches };
  }

  #concatenation(depth: number): Node {
    const items: Node[] = [];
    let repeatedFrom: number | undefined;
    while (this.#at < this.#source.length) {
      const start = this.#at;
      const next = this.#source[start];
      if (next === '|' || next === ')') break;
      const count = this.#repetition();
      if (count === undefined) {
        repeatedFrom = undefined;
        items.push(...this.#atom(depth));
        continue;
      }
      const greedy = this.#source[this.#at] !== '?';
      if (!greedy) this.#at++;
      if (repeatedFrom !== undefined) {
        throw new PatternError('invalid nested repetition operator', this.#source.slice(repeatedFrom, this.#at));
      }
      const of = items.pop();
      if (of === undefined) {
        throw new PatternError('missing argument to repetition operator', this.#source.slice(start, this.#at));
      }
      const node: Node = { is: 'repeat', of, ...count, greedy: greedy !== this.#flags.swapGreed };
      if (repeatsAtMost(node, MAX_REPEAT) === undefined) {
        throw new PatternError('invalid repeat count', this.#source.slice(start, this.#at));
      }
      items.push(node);
      repeatedFrom = start;
    }
    const [only] = items;
    return items.length === 1 && only !== undefined ? only : { is: 'concat', items };
  }

  /** `* + ? {n} {n,} {n,m}`; undefined, with nothing read, when none stands here. */
  #repetition(): { readonly min: number; readonly max?: number } | undefined {
    const simple = SIMPLE_REPEATS[this.#source[this.#at] ?? ''];
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    if (this.#source[this.#at] !== '{') return undefined;
    const [whole, low, comma, high = ''] = /^\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}/.exec(this.#rest()) ?? [];
    if (whole === undefined) return undefined;
    const min = Number(low);
    const max = comma === undefined ? min : high === '' ? undefined : Number(high);
    if (min > MAX_REPEAT || (max ?? 0) > MAX_REPEAT || (max ?? min) < min) {
      throw new PatternError('invalid repeat count', whole);
    }
    this.#at += whole.length;
    return max === undefined ? { min } : { min, max };
  }

  #atom(depth: number): readonly Node[] {
    const start = this.#at;
    switch (this.#source[start]) {
      case '(':
        return this.#group(depth);
      case '[':
        return [{ is: 'class', class: this.#class() }];
      case '.':
        this.#at++;
        return [{ is: 'class', class: this.#flags.dotAll ? ANY_CHAR : ANY_BUT_NEWLINE }];
      case '^':
        this.#at++;
        return [{ is: 'assert', what: this.#flags.multiline ? 'line-start' : 'text-start' }];
      case '$':
        this.#at++;
        return [{ is: 'assert', what: this.#flags.multiline ? 'line-end' : 'text-end' }];
      case '\\':
        return this.#escaped();
      default:
        return [this.#literal(this.#take())];
    }
  }

  #take(): number {
    const code = this.#source.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #literal(code: number): Node {
    if (!this.#flags.fold || !/\p{Cased}|\p{Changes_When_Casefolded}/u.test(String.fromCodePoint(code))) {
      return { is: 'char', code };
    }
    return { is: 'class', class: new CharClass([rangesPart([[code, code]], true)]) };
  }

  #group(depth: number): readonly Node[] {
    const rest = this.#rest();
    if (!rest.startsWith('(?')) {
      this.#at++;
      return [this.#capture('', depth)];
    }
    if (/^\(\?P?<(?![=!])/.test(rest)) {
      const [opening, name] = /^\(\?P?<(\w+)>/.exec(rest) ?? [];
      if (opening === undefined || name === undefined) {
        const end = rest.indexOf('>');
        throw new PatternError('invalid named capture', end < 0 ? rest : rest.slice(0, end + 1));
      }
      this.#at += opening.length;
      return [this.#capture(name, depth)];
    }
    const [opening, on = '', off = '', end] = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest) ?? [];
    if (opening === undefined) {
      const [part = rest] = /^\(\?[imsU]*-?[imsU]*./s.exec(rest) ?? [];
      throw new PatternError('invalid or unsupported Perl syntax', part);
    }
    this.#at += opening.length;
    const outer = this.#flags;
    this.#flags = changed(outer, on, off);
    if (end === ')') return [];
    return [this.#until(outer, depth)];
  }

  #capture(name: string, depth: number): Node {
    const index = this.#groups.push(name);
    return { is: 'capture', index, of: this.#until(this.#flags, depth) };
  }

  /** What stands before the closing parenthesis; the flags then are those of before the group. */
  #until(outer: Flags, depth: number): Node {
    const of = this.#alternation(depth + 1);
    if (this.#source[this.#at] !== ')') throw new PatternError('missing closing )', this.#source);
    this.#at++;
    this.#flags = outer;
    return of;
  }

  #escaped(): readonly Node[] {
    const letter = this.#source[this.#at + 1] ?? '';
    const assertion = ESCAPED_ASSERTIONS[letter];
    if (assertion !== undefined) {
      this.#at += 2;
      return [{ is: 'assert', what: assertion }];
    }
    if (letter === 'Q') {
      const end = this.#source.indexOf('\\E', this.#at);
      const text = this.#source.slice(this.#at + 2, end < 0 ? undefined : end);
      this.#at = end < 0 ? this.#source.length : end + 2;
      return [...text].map((one) => this.#literal(one.codePointAt(0) ?? 0));
    }
    const part = this.#escapedClass();
    if (part !== undefined) return [{ is: 'class', class: new CharClass([part]) }];
    return [this.#literal(this.#escapedChar())];
  }

  /** `\d`, `\pL`, `\p{Greek}`; undefined, with nothing read, when none stands here. */
  #escapedClass(): Part | undefined {
    const letter = this.#source[this.#at + 1] ?? '';
    const ranges = PERL_CLASSES[letter.toLowerCase()];
    if (ranges !== undefined) {
      this.#at += 2;
      return rangesPart(ranges, this.#flags.fold, letter !== letter.toLowerCase());
    }
    if (letter !== 'p' && letter !== 'P') return undefined;
    const [whole, braced, single] = /^\\[pP](?:\{([^}]*)\}|([^{]))/su.exec(this.#rest()) ?? [];
    if (whole === undefined) throw new PatternError('invalid character class range', this.#rest());
    const name = braced ?? single ?? '';
    const part = propertyPart(name.replace(/^\^/, ''), this.#flags.fold, (letter === 'P') !== name.startsWith('^'));
    if (part === undefined) throw new PatternError('invalid character class range', whole);
    this.#at += whole.length;
    return part;
  }

  /** A character written with a backslash. */
  #escapedChar(): number {
    const start = this.#at;
    const rest = this.#source.slice(start + 1, start + 16);
    if (rest === '') throw new PatternError('trailing backslash at end of expression', '');
    const [octal] = /^(?:[1-7][0-7]{1,2}|0[0-7]{0,2})/.exec(rest) ?? [];
    if (octal !== undefined) {
      this.#at += 1 + octal.length;
      return Number.parseInt(octal, 8);
    }
    const [hex, braced, two] = /^x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2}))/.exec(rest) ?? [];
    if (hex !== undefined) {
      const code = Number.parseInt(braced ?? two ?? '', 16);
      if (code <= 0x10ffff) {
        this.#at += 1 + hex.length;
        return code;
      }
    }
    this.#at++;
    const letter = this.#take();
    const control = CONTROLS[String.fromCodePoint(letter)];
    if (control !== undefined) return control;
    if (letter < 128 && !/[0-9A-Za-z]/.test(String.fromCodePoint(letter))) return letter;
    throw new PatternError('invalid escape sequence', this.#source.slice(start, this.#at));
  }

  #class(): CharClass {
    const start = this.#at;
    this.#at++;
    const negated = this.#source[this.#at] === '^';
    if (negated) this.#at++;
    const parts: Part[] = [];
    for (let first = true; first || this.#source[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#source.length) throw new PatternError('missing closing ]', this.#source.slice(start));
      parts.push(this.#posixClass() ?? this.#classEscape() ?? this.#classRange(start));
    }
    this.#at++;
    return new CharClass(parts, negated);
  }

  #posixClass(): Part | undefined {
    if (!this.#source.startsWith('[:', this.#at)) return undefined;
    const end = this.#source.indexOf(':]', this.#at + 2);
    if (end < 0) return undefined;
    const name = this.#source.slice(this.#at + 2, end);
    const plain = name.replace(/^\^/, '');
    const ranges = Object.hasOwn(POSIX_CLASSES, plain) ? POSIX_CLASSES[plain] : undefined;
    if (ranges === undefined) {
      throw new PatternError('invalid character class range', this.#source.slice(this.#at, end + 2));
    }
    this.#at = end + 2;
    return rangesPart(ranges, this.#flags.fold, name !== plain);
  }

  #classEscape(): Part | undefined {
    return this.#source[this.#at] === '\\' ? this.#escapedClass() : undefined;
  }

  #classRange(classStart: number): Part {
    const start = this.#at;
    const low = this.#classChar(classStart);
    let high = low;
    const after = this.#source[this.#at + 1];
    if (this.#source[this.#at] === '-' && after !== undefined && after !== ']') {
      this.#at++;
      high = this.#classChar(classStart);
      if (high < low) {
        throw new PatternError('invalid character class range', this.#source.slice(start, this.#at));
      }
    }
    return rangesPart([[low, high]], this.#flags.fold);
  }

  #classChar(classStart: number): number {
    if (this.#at >= this.#source.length) throw new PatternError('missing closing ]', this.#source.slice(classStart));
    return this.#source[this.#at] === '\\' ? this.#escapedChar() : this.#take();
  }
}

const SIMPLE_REPEATS: Readonly<Record<string, { readonly min: number; readonly max?: number }>> = {
  '*': { min: 0 },
  '+': { min: 1 },
  '?': { min: 0, max: 1 },
};

const ESCAPED_ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: 'text-start',
  z: 'text-end',
  b: 'word',
  B: 'no-word',
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const ANY_CHAR = new CharClass([], true);
const ANY_BUT_NEWLINE = new CharClass([rangesPart([[10, 10]], false)], true);

function changed(flags: Flags, on: string, off: string): Flags {
  const value = (letter: string, before: boolean): boolean =>
    off.includes(letter) ? false : on.includes(letter) || before;
  return {
    fold: value('i', flags.fold),
    multiline: value('m', flags.multiline),
    dotAll: value('s', flags.dotAll),
    swapGreed: value('U', flags.swapGreed),
  };
}

/** How often counted repetitions inside one another may still repeat; undefined when it is too often. */
function repeatsAtMost(node: Node, limit: number): number | undefined {
  switch (node.is) {
    case 'repeat': {
      const counted = node.max !== undefined || node.min > 1;
      const times = counted ? Math.max(node.max ?? node.min, 1) : 1;
      if (times > limit) return undefined;
      return repeatsAtMost(node.of, Math.floor(limit / times));
    }
    case 'capture':
      return repeatsAtMost(node.of, limit);
    case 'concat':
    case 'alternate':
      return node.items.every((item) => repeatsAtMost(item, limit) !== undefined) ? limit : undefined;
    default:
      return limit;
  }
}
