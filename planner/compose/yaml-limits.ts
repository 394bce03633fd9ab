import type { SourceFile } from '../source.ts';
import { ComposeError } from './error.ts';

/** Levels of mappings and lists inside each other. */
export const MAX_DEPTH = 200;

/** A mistake of form at one character. */
export function refusal(file: SourceFile, offset: number, message: string, hint: string): ComposeError {
  return new ComposeError({ reason: 'syntax', message, hint, span: { file, start: offset, end: offset + 1 } });
}

/** The refusal of what nests deeper than {@link MAX_DEPTH}. */
export function tooDeep(file: SourceFile, offset: number): ComposeError {
  return refusal(file, offset, 'this is nested too deeply', `no more than ${MAX_DEPTH} levels are read`);
}
