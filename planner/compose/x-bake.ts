import type { MutableRawTarget, RawTarget } from '../bake/raw-target.ts';
import { mergeTargets, unique, uniqueEntries } from '../bake/raw-target.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { compareText } from '../hcl/value.ts';
import { cacheEntries, outputEntry, secretEntry, sshEntry } from '../options/entries.ts';
import type { Result } from '../result.ts';
import type { SshEntry, TypedEntry } from '../target.ts';
import type { Node } from './node.ts';
import { child, entriesOf, isNull } from './node.ts';
import { scalarText } from './scalar.ts';

/** Where notes are taken of an extension. */
export interface ExtensionNotes {
  /** What is wrong. */
  readonly diagnostics: Diagnostic[];
  /** What has no effect. */
  readonly warnings: Diagnostic[];
}

const KEYS = [
  ...['tags', 'cache-from', 'cache-to', 'secret', 'ssh', 'platforms', 'output', 'pull', 'no-cache'],
  ...['no-cache-filter', 'contexts'],
];

/**
 * A target with what the `x-bake` of its build section adds (buildx `bake/compose.go`, `composeExtTarget`). Keys that it
 * does not know mean nothing, which is noted.
 */
export function withExtension(
  target: RawTarget,
  node: Node,
  { linked, notes }: { readonly linked: (context: string) => string; readonly notes: ExtensionNotes },
): RawTarget {
  if (isNull(node)) return target;
  const reader = new Reader(notes.diagnostics);
  if (node.is !== 'map') {
    reader.refuse(node, 'x-bake must be a mapping', 'write x-bake: {tags: [...]}');
    return target;
  }
  notes.warnings.push(...ineffective(node));
  const list = (key: string): readonly string[] => reader.texts(child(node, key), key).map((one) => text(one));
  const made: MutableRawTarget = { ...target };
  const tags = list('tags');
  if (tags.length > 0) made.tags = unique([...(target.tags ?? []), ...tags]);
  const cacheFrom = reader.parsed(child(node, 'cache-from'), 'cache-from', cacheEntries).flat();
  if (cacheFrom.length > 0) made.cacheFrom = uniqueEntries([...(target.cacheFrom ?? []), ...cacheFrom]);
  const cacheTo = reader.parsed(child(node, 'cache-to'), 'cache-to', cacheEntries).flat();
  if (cacheTo.length > 0) made.cacheTo = uniqueEntries([...(target.cacheTo ?? []), ...cacheTo]);
  const secret = reader.parsed(child(node, 'secret'), 'secret', secretEntry);
  const ssh = reader.parsed(child(node, 'ssh'), 'ssh', sshEntry);
  const platforms = list('platforms');
  if (platforms.length > 0) made.platforms = unique([...(target.platforms ?? []), ...platforms]);
  const output: readonly TypedEntry[] = reader.parsed(child(node, 'output'), 'output', outputEntry);
  if (output.length > 0) made.output = uniqueEntries([...(target.output ?? []), ...output]);
  const pull = reader.flag(child(node, 'pull'), 'pull');
  if (pull !== undefined) made.pull = pull;
  const noCache = reader.flag(child(node, 'no-cache'), 'no-cache');
  if (noCache !== undefined) made.noCache = noCache;
  const filter = list('no-cache-filter');
  if (filter.length > 0) made.noCacheFilter = unique([...(target.noCacheFilter ?? []), ...filter]);
  const contexts = reader.pairs(child(node, 'contexts'), 'contexts').map(([name, at]) => [name, linked(at)] as const);
  if (contexts.length > 0) made.contexts = new Map([...contexts, ...(target.contexts ?? [])]);
  const keyed = mergeTargets(made, {
    name: target.name,
    places: new Map(),
    ...(secret.length > 0 ? { secret } : {}),
    ...(ssh.length > 0 ? { ssh } : {}),
  });
  return ssh.length === 0 ? keyed : { ...keyed, ssh: [...(keyed.ssh ?? [])].sort(byIdAndPath) };
}

function ineffective(node: Node): readonly Diagnostic[] {
  return entriesOf(node)
    .filter(([key]) => !KEYS.includes(key) && !key.startsWith('x-'))
    .map(([key, { key: span }]) => ({
      reason: 'ineffective',
      message: `x-bake has no attribute ${JSON.stringify(key)}; it is passed over`,
      hint: didYouMean(key, KEYS, 'take it out'),
      span,
    }));
}

function byIdAndPath(a: SshEntry, b: SshEntry): number {
  return compareText(a.id, b.id) || compareText(a.paths.join(), b.paths.join());
}

/**
 * The project that `x-depot` names, as it is written: `0123456789` is one, too. Undefined when it names none.
 */
export function projectId(node: Node | undefined): string | undefined {
  if (node === undefined || isNull(node)) return undefined;
  if (node.is !== 'map') return undefined;
  const id = child(node, 'project-id');
  if (id?.is !== 'scalar' || id.value === null) return undefined;
  return typeof id.value === 'string' ? id.value : id.source;
}

/** Reads values of an extension; takes note of those that are none. */
class Reader {
  readonly #diagnostics: Diagnostic[];

  constructor(diagnostics: Diagnostic[]) {
    this.#diagnostics = diagnostics;
  }

  refuse(node: Node, message: string, hint: string, reason = 'wrong-type'): void {
    this.#diagnostics.push({ reason, message, hint, span: node.span });
  }

  /** The texts of a list, or the words of one text. */
  texts(node: Node | undefined, key: string): readonly Node[] {
    if (node === undefined || isNull(node)) return [];
    if (node.is === 'scalar') {
      const words = text(node)
        .split(/\s+/)
        .filter((part) => part !== '');
      return words.map((word) => ({ ...node, value: word }));
    }
    if (node.is === 'list' && node.items.every(({ is }) => is === 'scalar')) return node.items;
    this.refuse(node, `x-bake.${key} must be a list of texts, or a text`, `write ${key}: [one, two]`);
    return [];
  }

  parsed<T>(node: Node | undefined, key: string, parse: (one: string) => Result<T, string>): readonly T[] {
    return this.texts(node, key).flatMap((item) => {
      if (text(item) === '') return [];
      const entry = parse(text(item));
      if (entry.ok) return [entry.value];
      this.refuse(item, entry.failure, 'write key=value pairs, with commas between them', 'invalid-value');
      return [];
    });
  }

  /** True and false, and the words of YAML 1.1 for them; but not the texts "true" and "false", as in the reference. */
  flag(node: Node | undefined, key: string): boolean | undefined {
    if (node === undefined || isNull(node)) return undefined;
    if (node.is === 'scalar') {
      if (typeof node.value === 'boolean') return node.value;
      if (['y', 'Y', 'yes', 'on'].includes(text(node))) return true;
      if (['n', 'N', 'no', 'off'].includes(text(node))) return false;
    }
    const hint = 'write it without quotes; a variable may hold yes or no';
    this.refuse(node, `x-bake.${key} must be true or false`, hint);
    return undefined;
  }

  /** The entries of a mapping of texts. */
  pairs(node: Node | undefined, key: string): readonly (readonly [string, string])[] {
    if (node === undefined || isNull(node)) return [];
    const hint = `write ${key}: {name: path}`;
    if (node.is !== 'map') {
      this.refuse(node, `x-bake.${key} must be a mapping of texts`, hint);
      return [];
    }
    return entriesOf(node).map(([name, { value }]) => {
      if (value.is !== 'scalar') this.refuse(value, `x-bake.${key}.${name} must be a text`, hint);
      return [name, text(value)];
    });
  }
}

function text(node: Node): string {
  return node.is === 'scalar' ? scalarText(node.value) : '';
}
