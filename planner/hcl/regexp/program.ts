import type { CharClass } from './char-class.ts';
import type { Assertion, Node } from './syntax.ts';
import { parsePattern, PatternError } from './syntax.ts';

/** One step of a matching machine. `split` prefers its first way. */
export type Instruction =
  | { readonly is: 'char'; readonly code: number }
  | { readonly is: 'class'; readonly class: CharClass }
  | { readonly is: 'assert'; readonly what: Assertion }
  | { readonly is: 'save'; readonly slot: number }
  | { readonly is: 'split'; readonly first: number; readonly second: number }
  | { readonly is: 'jump'; readonly to: number }
  | { readonly is: 'match' };

/** A pattern made ready to match. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** Names of the groups from 1 on; empty for those without. */
  readonly groups: readonly string[];
}

/** More steps than this are no pattern that anybody wrote by hand. */
const MAX_INSTRUCTIONS = 100_000;

const MAX_KEPT = 100;
const KEPT = new Map<string, Program>();

/** A pattern (RE2 syntax) made ready to match; kept, for patterns come again in loops. Throws {@link PatternError}. */
export function programOf(source: string): Program {
  const kept = KEPT.get(source);
  if (kept !== undefined) return kept;
  const program = compile(source);
  if (KEPT.size >= MAX_KEPT) KEPT.clear();
  KEPT.set(source, program);
  return program;
}

function compile(source: string): Program {
  const { node, groups } = parsePattern(source);
  const instructions: Instruction[] = [];
  emit({ is: 'capture', index: 0, of: node }, instructions, source);
  instructions.push({ is: 'match' });
  return { instructions, groups };
}

function emit(node: Node, out: Instruction[], source: string): void {
  if (out.length > MAX_INSTRUCTIONS) throw new PatternError('expression too large', source);
  switch (node.is) {
    case 'char':
    case 'class':
    case 'assert':
      out.push(node);
      return;
    case 'capture':
      out.push({ is: 'save', slot: node.index * 2 });
      emit(node.of, out, source);
      out.push({ is: 'save', slot: node.index * 2 + 1 });
      return;
    case 'concat':
      for (const item of node.items) emit(item, out, source);
      return;
    case 'alternate':
      emitAlternate(node.items, out, source);
      return;
    case 'repeat':
      emitRepeat(node, out, source);
  }
}

function emitAlternate(items: readonly Node[], out: Instruction[], source: string): void {
  const ends: number[] = [];
  for (const [at, item] of items.entries()) {
    if (at === items.length - 1) {
      emit(item, out, source);
      continue;
    }
    const split = out.push({ is: 'match' }) - 1;
    emit(item, out, source);
    ends.push(out.push({ is: 'match' }) - 1);
    out[split] = { is: 'split', first: split + 1, second: out.length };
  }
  for (const end of ends) out[end] = { is: 'jump', to: out.length };
}

function emitRepeat(node: Extract<Node, { is: 'repeat' }>, out: Instruction[], source: string): void {
  const { of, min, max, greedy } = node;
  if (max === undefined) {
    for (let at = 1; at < min; at++) emit(of, out, source);
    if (min > 0) emitPlus(of, greedy, out, source);
    else if (canBeEmpty(of)) emitOptional(greedy, out, () => emitPlus(of, greedy, out, source));
    else emitStar(of, greedy, out, source);
    return;
  }
  for (let at = 0; at < min; at++) emit(of, out, source);
  const optional = (left: number): void => {
    if (left === 0) return;
    emitOptional(greedy, out, () => {
      emit(of, out, source);
      optional(left - 1);
    });
  };
  optional(max - min);
}

function emitPlus(of: Node, greedy: boolean, out: Instruction[], source: string): void {
  const start = out.length;
  emit(of, out, source);
  out.push(split(start, out.length + 1, greedy));
}

function emitStar(of: Node, greedy: boolean, out: Instruction[], source: string): void {
  const start = out.push({ is: 'match' }) - 1;
  emit(of, out, source);
  out.push({ is: 'jump', to: start });
  out[start] = split(start + 1, out.length, greedy);
}

function emitOptional(greedy: boolean, out: Instruction[], body: () => void): void {
  const start = out.push({ is: 'match' }) - 1;
  body();
  out[start] = split(start + 1, out.length, greedy);
}

function split(into: number, past: number, greedy: boolean): Instruction {
  return greedy ? { is: 'split', first: into, second: past } : { is: 'split', first: past, second: into };
}

function canBeEmpty(node: Node): boolean {
  switch (node.is) {
    case 'char':
    case 'class':
      return false;
    case 'assert':
      return true;
    case 'capture':
      return canBeEmpty(node.of);
    case 'concat':
      return node.items.every(canBeEmpty);
    case 'alternate':
      return node.items.some(canBeEmpty);
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.of);
  }
}
