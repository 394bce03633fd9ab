import type { HclFunction, SpecialForm } from '../scope.ts';
import { text } from '../value.ts';
import { BYTES_FUNCTIONS } from './bytes.ts';
import { COLLECTION_FUNCTIONS } from './collection.ts';
import { CRYPTO_FUNCTIONS } from './crypto.ts';
import { define } from './define.ts';
import { ENCODING_FUNCTIONS } from './encoding.ts';
import { FORMAT_FUNCTIONS } from './format.ts';
import { NAME_FUNCTIONS } from './name.ts';
import { NETWORK_FUNCTIONS } from './network.ts';
import { NUMBER_FUNCTIONS } from './number.ts';
import { REGEX_FUNCTIONS } from './regex.ts';
import { SET_FUNCTIONS } from './set.ts';
import { SPECIAL_FORMS } from './special.ts';
import { STRING_FUNCTIONS } from './string.ts';
import { TIME_FUNCTIONS } from './time.ts';
import { VERSION_FUNCTIONS } from './version.ts';

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
    ...SET_FUNCTIONS,
    ...FORMAT_FUNCTIONS,
    ...REGEX_FUNCTIONS,
    ...CRYPTO_FUNCTIONS,
    ...NETWORK_FUNCTIONS,
    ...TIME_FUNCTIONS,
    ...NAME_FUNCTIONS,
    ...VERSION_FUNCTIONS,
    ...BYTES_FUNCTIONS,
    ...SPECIAL_FORMS,
    timestamp: define([], () => text(`${now.toISOString().slice(0, 19)}Z`)),
    homedir: define([], () => text(homeDir)),
  };
  return {
    find: (name) => (Object.hasOwn(table, name) ? table[name] : undefined),
    names: () => Object.keys(table),
  };
}
