import type { Document } from 'yaml';
import { Lexer, parseAllDocuments } from 'yaml';
import type { SourceFile } from '../source.ts';
import type { ComposeError } from './error.ts';
import type { Node } from './node.ts';
import { isMark, reindented } from './reindent.ts';
import { MAX_DEPTH, refusal, tooDeep } from './yaml-limits.ts';
import { YamlReader } from './yaml-reader.ts';

/** Longer files are refused: no Compose file is, and reading them takes seconds for each MiB. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** Characters that YAML does not have (YAML 1.2, 5.1), as Go's reader has it. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

/**
 * The documents of a YAML file, with the place of every value. Scalars mean what they mean to the Compose loader; merge
 * keys are merged and aliases followed, over document borders too. Throws {@link ComposeError}.
 */
export function readYaml(file: SourceFile): readonly Node[] {
  const known = READ.get(file);
  if (known !== undefined) return known;
  const read = readDocuments(file);
  READ.set(file, read);
  return read;
}

/** A file may be asked for its name, alone, and merged with others. */
const READ = new WeakMap<SourceFile, readonly Node[]>();

function readDocuments(file: SourceFile): readonly Node[] {
  if (file.text.length > MAX_CHARACTERS) {
    throw refusal(file, 0, 'the file is larger than 8 MiB', 'Compose files are smaller; is this one the right one?');
  }
  const control = CONTROL.exec(file.text);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    const hint = `take out the character U+${code}, or write it as an escape in double quotes`;
    throw refusal(file, control.index, 'yaml: control characters are not allowed', hint);
  }
  const { documents, placed } = parse(file);
  const reader = new YamlReader(file, placed);
  return documents.map((document) => reader.document(document));
}

type Parsed = Document.Parsed;

function parse(file: SourceFile): {
  readonly documents: readonly Parsed[];
  readonly placed: (offset: number) => number;
} {
  const documents = parseText(file, file.text);
  if (firstError(documents) === undefined) return { documents, placed: (offset) => offset };
  const moved = reindented(file.text);
  if (moved !== undefined) {
    const again = parseText(file, moved.text);
    if (firstError(again) === undefined) return { documents: again, placed: moved.originalOffset };
  }
  throw syntaxError(file, documents);
}

function parseText(file: SourceFile, text: string): readonly Parsed[] {
  const deep = tooDeepAt(text);
  if (deep !== undefined) throw tooDeep(file, deep);
  try {
    const parsed = parseAllDocuments(text, {
      schema: 'failsafe',
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    return 'empty' in parsed ? [] : parsed;
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(file, 0);
    throw error;
  }
}

/** Where brackets go deeper than we read; the parser would take seconds to run out of stack. */
function tooDeepAt(text: string): number | undefined {
  if (text.length < MAX_DEPTH || text.split(/[[{]/, MAX_DEPTH + 2).length <= MAX_DEPTH) return undefined;
  let depth = 0;
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth > MAX_DEPTH) return offset;
    if (!isMark(token)) offset += token.length;
  }
  return undefined;
}

function firstError(documents: readonly Parsed[]): Parsed['errors'][number] | undefined {
  return documents.find(({ errors }) => errors.length > 0)?.errors[0];
}

function syntaxError(file: SourceFile, documents: readonly Parsed[]): ComposeError {
  const error = firstError(documents);
  const start = Math.min(error?.pos[0] ?? 0, file.text.length);
  const message = error?.message ?? 'this is not YAML';
  if (/call stack/.test(message)) return tooDeep(file, start);
  return refusal(file, start, `yaml: ${message.charAt(0).toLowerCase()}${message.slice(1)}`, hintFor(file.text, start));
}

function hintFor(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 1);
  if (/^\s*\t/.test(line) || text[offset] === '\t') return 'indent with blanks, not with tabs';
  return 'check the indentation, the quotes and the brackets here and above';
}
