import type { Document, ParsedNode, Scalar as YamlScalar } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, Lexer, parseAllDocuments } from 'yaml';
import type { Diagnostic } from '../diagnostic.ts';
import type { SourceFile, Span } from '../source.ts';
import { ComposeError, MAX_DIAGNOSTICS } from './error.ts';
import type { Entry, MapNode, Mark, Node, Scalar } from './node.ts';
import { list, map, scalar } from './node.ts';
import type { Path } from './path.ts';
import { pathText } from './path.ts';
import { isMark, reindented } from './reindent.ts';
import { plainScalar, scalarText } from './scalar.ts';

/** Longer files are refused: no Compose file is, and reading them takes seconds for each MiB. */
const MAX_CHARACTERS = 8 * 1024 * 1024;
/** Values of one file, those that aliases repeat counted each time. */
const MAX_VALUES = 200_000;
/** Levels of mappings and lists inside each other. */
const MAX_DEPTH = 200;

const MARKS: ReadonlyMap<string, Mark> = new Map([
  ['!reset', 'reset'],
  ['!override', 'override'],
]);

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
  const { documents, placed } = parse(file);
  const reader = new Reader(file, placed);
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

function refusal(file: SourceFile, offset: number, message: string, hint: string): ComposeError {
  return new ComposeError({ reason: 'syntax', message, hint, span: { file, start: offset, end: offset + 1 } });
}

function tooDeep(file: SourceFile, offset: number): ComposeError {
  return refusal(file, offset, 'this is nested too deeply', `no more than ${MAX_DEPTH} levels are read`);
}

/** Turns parsed documents of one file into nodes; keeps the anchors of earlier documents. */
class Reader {
  readonly #file: SourceFile;
  readonly #placed: (offset: number) => number;
  readonly #anchors = new Map<string, { node?: Node; readonly path: Path; values: number }>();
  readonly #duplicates: Diagnostic[] = [];
  #values = 0;

  constructor(file: SourceFile, placed: (offset: number) => number) {
    this.#file = file;
    this.#placed = placed;
  }

  document(document: Parsed): Node {
    const { yaml } = document.directives;
    if (yaml.explicit === true && yaml.version !== '1.1') {
      const start = Math.max(0, this.#file.text.search(/^%YAML/m));
      throw refusal(
        this.#file,
        start,
        'yaml: found incompatible YAML document',
        'Compose files are YAML 1.1; take out the %YAML line',
      );
    }
    const root = document.contents;
    const span = this.#span(root?.range ?? [document.range[0], document.range[0]]);
    const node = root === null ? scalar(null, span) : this.#node(root, []);
    this.#complain();
    return node;
  }

  #span(range: readonly [number, number, ...unknown[]]): Span {
    return { file: this.#file, start: this.#placed(range[0]), end: this.#placed(range[1]) };
  }

  #count(values: number, span: Span): void {
    this.#values += values;
    if (this.#values > MAX_VALUES) {
      throw new ComposeError({
        reason: 'too-large',
        message: `aliases make this file grow to more than ${MAX_VALUES} values`,
        hint: 'anchors that hold aliases of anchors multiply; use fewer of them',
        span,
      });
    }
  }

  #node(node: ParsedNode, path: Path): Node {
    const span = this.#span(node.range);
    if (isAlias(node)) return this.#alias(node.source, span, path);
    if (path.length > MAX_DEPTH) throw tooDeep(this.#file, span.start);
    const before = this.#values;
    this.#count(1, span);
    const anchor = node.anchor === undefined ? undefined : { path, values: 0, ...({} as { node?: Node }) };
    if (anchor !== undefined && node.anchor !== undefined) this.#anchors.set(node.anchor, anchor);
    const read = this.#content(node, path, span);
    const mark = MARKS.get(node.tag ?? '');
    const made: Node = mark === undefined ? read : { ...read, mark };
    if (anchor !== undefined) {
      anchor.node = made;
      anchor.values = this.#values - before;
    }
    return made;
  }

  #alias(name: string, span: Span, path: Path): Node {
    const anchor = this.#anchors.get(name);
    if (anchor === undefined) {
      throw new ComposeError({
        reason: 'unknown-anchor',
        message: `yaml: unknown anchor '${name}' referenced`,
        hint: `an anchor is set before it is used: &${name}`,
        span,
      });
    }
    if (anchor.node === undefined) {
      throw new ComposeError({
        reason: 'anchor-cycle',
        message: `cycle detected: node at path ${pathText(path)} references node at path ${pathText(anchor.path)}`,
        hint: `*${name} stands inside &${name}`,
        span,
      });
    }
    this.#count(anchor.values, span);
    return anchor.node;
  }

  #content(node: ParsedNode, path: Path, span: Span): Node {
    if (isScalar(node)) return this.#scalar(node, span);
    if (isSeq(node)) {
      return list(
        node.items.map((item) => this.#node(item as ParsedNode, [...path, '[]'])),
        span,
      );
    }
    if (isMap(node)) return this.#map(node, path, span);
    throw new Error('unreachable: a YAML node of an unknown kind');
  }

  #scalar(node: YamlScalar & ParsedNode, span: Span): Node {
    const source = typeof node.source === 'string' ? node.source : '';
    const raw = this.#file.text.slice(span.start, span.end);
    if (node.type === 'QUOTE_DOUBLE') {
      const escape = /^(?:[^\\]|\\[^/])*\\\//.exec(raw);
      if (escape) {
        throw refusal(
          this.#file,
          span.start + escape[0].length - 2,
          'yaml: found unknown escape character',
          'write / without the backslash',
        );
      }
    }
    const isPlain = node.type === 'PLAIN' || node.type === undefined;
    const text = isPlain ? source : String(node.value ?? '');
    const isTagged = /^!./.test(node.tag ?? '') && !MARKS.has(node.tag ?? '');
    const value = isPlain && !(isTagged && source === '') ? plainScalar(source) : text;
    return scalar(this.#tagged(node.tag, value, text, span), span, text);
  }

  /** A scalar with one of YAML's own tags; unknown tags mean nothing, as in the reference. */
  #tagged(tag: string | undefined, value: Scalar, text: string, span: Span): Scalar {
    const name = /^tag:yaml\.org,2002:(.*)$/.exec(tag ?? '')?.[1];
    const resolved = typeof value === 'string' ? plainScalar(text) : value;
    const isFloat = typeof resolved === 'object' && resolved !== null && 'float' in resolved;
    switch (name) {
      case 'str':
        return text;
      case 'int':
        if (typeof resolved === 'bigint') return resolved;
        break;
      case 'float':
        if (typeof resolved === 'bigint') return { float: Number(resolved) };
        if (isFloat) return resolved;
        break;
      case 'bool':
        if (typeof resolved === 'boolean') return resolved;
        break;
      case 'null':
        if (resolved === null) return null;
        break;
      case 'binary':
        return decodedBinary(text, span);
      default:
        return value;
    }
    throw new ComposeError({
      reason: 'wrong-type',
      message: `yaml: cannot decode !!${kindOf(resolved)} \`${text}\` as a !!${name}`,
      hint: 'take out the tag, or write a value of its kind',
      span,
    });
  }

  #map(node: ParsedNode & { readonly items: readonly unknown[] }, path: Path, span: Span): MapNode {
    const entries = new Map<string, Entry>();
    const resets: string[] = [];
    const merged: MapNode[] = [];
    const seen = new Map<string, Span>();
    for (const item of node.items) {
      const pair = item as { readonly key: ParsedNode | null; readonly value: ParsedNode | null };
      const { key, keySpan, isMerge } = this.#key(pair.key, pair.value, path, span);
      const earlier = seen.get(key);
      if (earlier !== undefined) {
        this.#duplicate(key, keySpan, earlier);
        continue;
      }
      seen.set(key, keySpan);
      const value =
        pair.value === null
          ? scalar(null, { file: this.#file, start: keySpan.end, end: keySpan.end })
          : this.#node(pair.value, [...path, key]);
      if (isMerge) merged.push(...this.#merged(value));
      else if (value.mark === 'reset') resets.push(key);
      else entries.set(key, { key: keySpan, value });
    }
    for (const from of merged) {
      for (const [key, { key: place, value }] of from.entries) {
        if (!entries.has(key)) entries.set(key, { key: place, value: unmarked(value) });
      }
    }
    return { ...map(entries, span), resets };
  }

  #duplicate(key: string, span: Span, earlier: Span): void {
    const line = this.#file.text.slice(0, earlier.start).split('\n').length;
    this.#duplicates.push({
      reason: 'duplicate-key',
      message: `mapping key ${JSON.stringify(key)} already defined at line ${line}`,
      hint: 'a mapping has each key once',
      span,
    });
    if (this.#duplicates.length >= MAX_DIAGNOSTICS) this.#complain();
  }

  #complain(): void {
    if (this.#duplicates.length > 0) throw new ComposeError(this.#duplicates);
  }

  #key(
    key: ParsedNode | null,
    value: ParsedNode | null,
    path: Path,
    around: Span,
  ): { readonly key: string; readonly keySpan: Span; readonly isMerge: boolean } {
    const node = key === null ? scalar(null, around) : this.#node(key, path);
    if (node.is !== 'scalar' || typeof node.value !== 'string') {
      const where = path.length === 0 ? 'at top level' : `in ${pathText(path)}`;
      const shown = node.is === 'scalar' ? scalarText(node.value) || 'null' : `a ${node.is}`;
      throw new ComposeError({
        reason: 'non-string-key',
        message: `non-string key ${where}: ${shown}`,
        hint: node.is === 'scalar' ? `put it in quotes: ${JSON.stringify(node.source)}` : 'a key is text',
        span: node.span,
      });
    }
    const isPlain = key !== null && isScalar(key) && key.type === 'PLAIN';
    const { end } = node.span;
    const keepsColon = isPlain && isNothing(value) && /^:[,\]}]/.test(this.#file.text.slice(end, end + 2));
    return {
      key: keepsColon ? `${node.value}:` : node.value,
      keySpan: node.span,
      isMerge: isPlain && node.value === '<<',
    };
  }

  #merged(value: Node): readonly MapNode[] {
    const items = value.is === 'list' ? value.items : [value];
    return items.map((item) => {
      if (item.is === 'map') return item;
      throw new ComposeError({
        reason: 'wrong-type',
        message: 'yaml: map merge requires map or sequence of maps as the value',
        hint: '<<: *anchor, where the anchor is at a mapping',
        span: value.span,
      });
    });
  }
}

function decodedBinary(text: string, span: Span): string {
  const base64 = text.replace(/[\r\n]/g, '');
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(base64) && base64.length % 4 === 0) {
    return Buffer.from(base64, 'base64').toString('utf8');
  }
  throw new ComposeError({
    reason: 'wrong-type',
    message: 'yaml: !!binary value contains invalid base64 data',
    hint: 'write it in base64, with its = at the end; or take out the tag',
    span,
  });
}

function unmarked(node: Node): Node {
  if (node.mark === undefined) return node;
  const { mark: _mark, ...rest } = node;
  return rest;
}

function isNothing(value: ParsedNode | null): boolean {
  return value === null || (isScalar(value) && value.source === '' && value.type === 'PLAIN');
}

function kindOf(value: Scalar): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'object') return 'float' in value ? 'float' : 'timestamp';
  return 'str';
}
