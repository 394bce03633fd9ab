import { spend } from '../budget.ts';
import type { Program } from './program.ts';
import type { Assertion } from './syntax.ts';

/** Where groups begin and end in the text, in UTF-16 units: two numbers for each, undefined for one that took no part. */
export type Captures = readonly (number | undefined)[];

/** A match that would take too long; matching is linear, yet a long pattern on a long text is their product. */
export class MatchTooLong extends Error {
  constructor() {
    super('matching this pattern takes too long');
    this.name = 'MatchTooLong';
  }
}

/** A second or two. */
const MAX_STEPS = 20_000_000;

/** How many of them cost one step of the evaluation's budget. */
const MATCHES_PER_STEP = 4;

interface Thread {
  readonly at: number;
  readonly captures: Captures;
}

/**
 * Finds patterns in one text, all alternatives at once, so that time grows with the length of the text whatever the
 * pattern is (Pike's machine). Of the matches that begin first, it prefers what a backtracking matcher would find first.
 */
export class Matcher {
  readonly #program: Program;
  readonly #text: string;
  readonly #seen: Int32Array;
  #generation = 0;
  #steps = 0;

  constructor(program: Program, text: string) {
    this.#program = program;
    this.#text = text;
    this.#seen = new Int32Array(program.instructions.length);
  }

  /** The first match at or after a place; throws {@link MatchTooLong}. */
  find(from: number): Captures | undefined {
    let current: Thread[] = [];
    let matched: Captures | undefined;
    this.#generation++;
    for (let position = from; ;) {
      if (matched === undefined) this.#add(current, 0, position, []);
      if (current.length === 0 && (matched !== undefined || position >= this.#text.length)) return matched;
      const before = this.#steps;
      const code = this.#text.codePointAt(position);
      const after = position + (code === undefined ? 0 : code > 0xffff ? 2 : 1);
      const next: Thread[] = [];
      this.#generation++;
      for (const { at, captures } of current) {
        const instruction = this.#program.instructions[at];
        if (instruction?.is === 'match') {
          matched = captures;
          break;
        }
        if (code === undefined) continue;
        const goesOn =
          instruction?.is === 'char'
            ? instruction.code === code
            : instruction?.is === 'class' && instruction.class.has(code);
        if (goesOn) this.#add(next, at + 1, after, captures);
      }
      if (code === undefined) return matched;
      this.#steps += current.length;
      spend((this.#steps - before) / MATCHES_PER_STEP);
      current = next;
      position = after;
    }
  }

  /** All matches, one after the other; an empty one right after another match does not count (Go `FindAll`). */
  findAll(): readonly Captures[] {
    const all: Captures[] = [];
    let lastEnd = -1;
    for (let position = 0; position <= this.#text.length;) {
      const found = this.find(position);
      const [start, end] = found ?? [];
      if (found === undefined || start === undefined || end === undefined) break;
      if (end !== position || start !== lastEnd) all.push(found);
      position = end === position ? this.#after(position) : end;
      lastEnd = end;
    }
    return all;
  }

  /** The text with all matches replaced (Go `ReplaceAll`). */
  replaceAll(replacement: (captures: Captures) => string): string {
    let out = '';
    let lastEnd = 0;
    for (let position = 0; position <= this.#text.length;) {
      const found = this.find(position);
      const [start, end] = found ?? [];
      if (found === undefined || start === undefined || end === undefined) break;
      out += this.#text.slice(lastEnd, start);
      if (end > lastEnd || start === 0) out += replacement(found);
      lastEnd = end;
      position = Math.max(this.#after(position), end);
    }
    return out + this.#text.slice(lastEnd);
  }

  #after(position: number): number {
    return position + ((this.#text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1);
  }

  /** Adds the threads that wait for a character, in order of preference. */
  #add(threads: Thread[], from: number, position: number, captures: Captures): void {
    const todo: Thread[] = [{ at: from, captures }];
    for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
      if (this.#seen[one.at] === this.#generation) continue;
      this.#seen[one.at] = this.#generation;
      if (++this.#steps > MAX_STEPS) throw new MatchTooLong();
      const instruction = this.#program.instructions[one.at];
      switch (instruction?.is) {
        case 'jump':
          todo.push({ at: instruction.to, captures: one.captures });
          break;
        case 'split':
          todo.push(
            { at: instruction.second, captures: one.captures },
            { at: instruction.first, captures: one.captures },
          );
          break;
        case 'assert':
          if (this.#holds(instruction.what, position)) todo.push({ at: one.at + 1, captures: one.captures });
          break;
        case 'save': {
          const saved = [...one.captures];
          saved[instruction.slot] = position;
          todo.push({ at: one.at + 1, captures: saved });
          break;
        }
        default:
          threads.push(one);
      }
    }
  }

  #holds(what: Assertion, position: number): boolean {
    const text = this.#text;
    switch (what) {
      case 'text-start':
        return position === 0;
      case 'text-end':
        return position === text.length;
      case 'line-start':
        return position === 0 || text[position - 1] === '\n';
      case 'line-end':
        return position === text.length || text[position] === '\n';
      case 'word':
        return isWord(text[position - 1]) !== isWord(text[position]);
      case 'no-word':
        return isWord(text[position - 1]) === isWord(text[position]);
    }
  }
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /\w/.test(character);
}
