import type { HclFunction, SpecialForm } from '../scope.ts';
import { text } from '../value.ts';
import { BYTES_FUNCTIONS } from './bytes.ts';
import { COLLECTION_FUNCTIONS } from './collection.ts';
import { define } from './define.ts';
import { ENCODING_FUNCTIONS } from './encoding.ts';
import { FORMAT_FUNCTIONS } from './format.ts';
import { NAME_FUNCTIONS } from './name.ts';
import { NUMBER_FUNCTIONS } from './number.ts';
import { SET_FUNCTIONS } from './set.ts';
import { SPECIAL_FORMS } from './special.ts';
import { STRING_FUNCTIONS } from './string.ts';

type FunctionTable = Readonly<Record<string, HclFunction | SpecialForm>>;

/** Functions that few definitions use; their code is loaded when one of their names is in the text. */
export const RARE_FUNCTIONS: readonly {
  readonly names: readonly string[];
  readonly load: () => Promise<FunctionTable>;
}[] = [
  {
    names: ['md5', 'sha1', 'sha256', 'sha512', 'bcrypt', 'rsadecrypt', 'uuidv4', 'uuidv5'],
    load: async () => (await import('./crypto.ts')).CRYPTO_FUNCTIONS,
  },
  {
    names: ['regex', 'regexall', 'regex_replace'],
    load: async () => (await import('./regex.ts')).REGEX_FUNCTIONS,
  },
  {
    names: ['cidrhost', 'cidrnetmask', 'cidrsubnet', 'cidrsubnets'],
    load: async () => (await import('./network.ts')).NETWORK_FUNCTIONS,
  },
  {
    names: ['formatdate', 'formattimestamp', 'timeadd', 'unixtimestampparse'],
    load: async () => (await import('./time.ts')).TIME_FUNCTIONS,
  },
  { names: ['semvercmp'], load: async () => (await import('./version.ts')).VERSION_FUNCTIONS },
];

/** What functions take from outside. */
export interface StandardLibraryOptions {
  /** What `timestamp()` gives. */
  readonly now: Date;
  /** What `homedir()` gives. */
  readonly homeDir: string;
  /** The texts that may call functions. */
  readonly sources: readonly string[];
}

/** The functions of a definition. */
export interface Library {
  readonly find: (name: string) => HclFunction | SpecialForm | undefined;
  readonly names: () => Iterable<string>;
}

/** The functions that every definition has. */
export async function standardLibrary({ now, homeDir, sources }: StandardLibraryOptions): Promise<Library> {
  const rare = RARE_FUNCTIONS.filter(({ names }) => {
    const mention = new RegExp(`\\b(?:${names.join('|')})\\b`);
    return sources.some((source) => mention.test(source));
  });
  const tables = await Promise.all(rare.map(({ load }) => load()));
  const table: FunctionTable = {
    ...STRING_FUNCTIONS,
    ...COLLECTION_FUNCTIONS,
    ...ENCODING_FUNCTIONS,
    ...NUMBER_FUNCTIONS,
    ...SET_FUNCTIONS,
    ...FORMAT_FUNCTIONS,
    ...NAME_FUNCTIONS,
    ...BYTES_FUNCTIONS,
    ...SPECIAL_FORMS,
    ...Object.assign({}, ...tables),
    timestamp: define([], () => text(`${now.toISOString().slice(0, 19)}Z`)),
    homedir: define([], () => text(homeDir)),
  };
  return {
    find: (name) => (Object.hasOwn(table, name) ? table[name] : undefined),
    names: () => [...Object.keys(table), ...RARE_FUNCTIONS.flatMap(({ names }) => names)],
  };
}
