import type { Document, ParsedNode, Scalar as YamlScalar } from 'yaml';
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Diagnostic } from '../diagnostic.ts';
import type { SourceFile, Span } from '../source.ts';
import { ComposeError, MAX_DIAGNOSTICS } from './error.ts';
import type { Entry, MapNode, Mark, Node } from './node.ts';
import { list, map, scalar } from './node.ts';
import type { Path } from './path.ts';
import { pathText } from './path.ts';
import { plainScalar, scalarText } from './scalar.ts';
import { refusal, tooDeep, MAX_DEPTH } from './yaml-limits.ts';
import { tagged } from './yaml-tags.ts';

/** Values of one file, those that aliases repeat counted each time. */
const MAX_VALUES = 200_000;

const MARKS: ReadonlyMap<string, Mark> = new Map([
  ['!reset', 'reset'],
  ['!override', 'override'],
]);

/** Turns parsed documents of one file into nodes; keeps the anchors of earlier documents. */
export class YamlReader {
  readonly #file: SourceFile;
  readonly #placed: (offset: number) => number;
  readonly #anchors = new Map<string, { node?: Node; readonly path: Path; values: number }>();
  readonly #duplicates: Diagnostic[] = [];
  #values = 0;
  #hasAliases = false;

  constructor(file: SourceFile, placed: (offset: number) => number) {
    this.#file = file;
    this.#placed = placed;
  }

  document(document: Document.Parsed): Node {
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
    if (this.#values > MAX_VALUES) throw new ComposeError({ reason: 'too-large', ...this.#tooMany(), span });
  }

  #tooMany(): Pick<Diagnostic, 'message' | 'hint'> {
    return this.#hasAliases
      ? {
          message: `aliases make this file grow to more than ${MAX_VALUES} values`,
          hint: 'anchors that hold aliases of anchors multiply; use fewer of them',
        }
      : { message: `this file has more than ${MAX_VALUES} values`, hint: 'split it into several files' };
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
    this.#hasAliases = true;
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
    return scalar(tagged(node.tag, value, text, span), span, text);
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

function unmarked(node: Node): Node {
  if (node.mark === undefined) return node;
  const { mark: _mark, ...rest } = node;
  return rest;
}

function isNothing(value: ParsedNode | null): boolean {
  return value === null || (isScalar(value) && value.source === '' && value.type === 'PLAIN');
}
