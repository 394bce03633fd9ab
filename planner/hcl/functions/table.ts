import type { HclFunction, SpecialForm } from '../scope.ts';
import { text } from '../value.ts';
import { COLLECTION_FUNCTIONS } from './collection.ts';
import { define } from './define.ts';
import { ENCODING_FUNCTIONS } from './encoding.ts';
import { NUMBER_FUNCTIONS } from './number.ts';
import { SPECIAL_FORMS } from './special.ts';
import { STRING_FUNCTIONS } from './string.ts';

/** What functions take from outside. */
export interface StandardLibraryOptions {
  /** What `timestamp()` gives. */
  readonly now: Date;
  /** What `homedir()` gives. */
  readonly homeDir: string;
}

/** The functions that every definition has. */
export function standardLibrary({ now, homeDir }: StandardLibraryOptions): {
  readonly find: (name: string) => HclFunction | SpecialForm | undefined;
  readonly names: () => Iterable<string>;
} {
  const table: Readonly<Record<string, HclFunction | SpecialForm>> = {
    ...STRING_FUNCTIONS,
    ...COLLECTION_FUNCTIONS,
    ...ENCODING_FUNCTIONS,
    ...NUMBER_FUNCTIONS,
    ...SPECIAL_FORMS,
    timestamp: define([], () => text(`${now.toISOString().slice(0, 19)}Z`)),
    homedir: define([], () => text(homeDir)),
  };
  return {
    find: (name) => (Object.hasOwn(table, name) ? table[name] : undefined),
    names: () => Object.keys(table),
  };
}
