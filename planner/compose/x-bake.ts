import type { MutableRawTarget, RawTarget } from '../bake/raw-target.ts';
import { mergeTargets, unique, uniqueEntries } from '../bake/raw-target.ts';
import { compareText } from '../hcl/value.ts';
import { cacheEntries, outputEntry, secretEntry, sshEntry } from '../options/entries.ts';
import type { Result } from '../result.ts';
import type { SshEntry, TypedEntry } from '../target.ts';
import { ComposeError } from './error.ts';
import type { Node } from './node.ts';
import { child, entriesOf, isNull } from './node.ts';
import { scalarText } from './scalar.ts';

/**
 * A target with what the `x-bake` of its build section adds (buildx `bake/compose.go`, `composeExtTarget`). Keys that it
 * does not know mean nothing. Throws {@link ComposeError}.
 */
export function withExtension(target: RawTarget, node: Node, linked: (context: string) => string): RawTarget {
  if (isNull(node)) return target;
  if (node.is !== 'map') throw wrong(node, 'x-bake must be a mapping', 'write x-bake: {tags: [...]}');
  const list = (key: string): readonly string[] => texts(child(node, key), key);
  const made: MutableRawTarget = { ...target };
  const tags = list('tags');
  if (tags.length > 0) made.tags = unique([...(target.tags ?? []), ...tags]);
  const cacheFrom = parsed(list('cache-from'), cacheEntries, child(node, 'cache-from')).flat();
  if (cacheFrom.length > 0) made.cacheFrom = uniqueEntries([...(target.cacheFrom ?? []), ...cacheFrom]);
  const cacheTo = parsed(list('cache-to'), cacheEntries, child(node, 'cache-to')).flat();
  if (cacheTo.length > 0) made.cacheTo = uniqueEntries([...(target.cacheTo ?? []), ...cacheTo]);
  const secret = parsed(list('secret'), secretEntry, child(node, 'secret'));
  const ssh = parsed(list('ssh'), sshEntry, child(node, 'ssh'));
  const platforms = list('platforms');
  if (platforms.length > 0) made.platforms = unique([...(target.platforms ?? []), ...platforms]);
  const output: readonly TypedEntry[] = parsed(list('output'), outputEntry, child(node, 'output'));
  if (output.length > 0) made.output = uniqueEntries([...(target.output ?? []), ...output]);
  const pull = flag(child(node, 'pull'), 'pull');
  if (pull !== undefined) made.pull = pull;
  const noCache = flag(child(node, 'no-cache'), 'no-cache');
  if (noCache !== undefined) made.noCache = noCache;
  const filter = list('no-cache-filter');
  if (filter.length > 0) made.noCacheFilter = unique([...(target.noCacheFilter ?? []), ...filter]);
  const contexts = entriesOf(child(node, 'contexts')).map(([name, { value }]) => [name, linked(text(value))] as const);
  if (contexts.length > 0) made.contexts = new Map([...contexts, ...(target.contexts ?? [])]);
  const keyed = mergeTargets(made, {
    name: target.name,
    places: new Map(),
    ...(secret.length > 0 ? { secret } : {}),
    ...(ssh.length > 0 ? { ssh } : {}),
  });
  return ssh.length === 0 ? keyed : { ...keyed, ssh: [...(keyed.ssh ?? [])].sort(byIdAndPath) };
}

function byIdAndPath(a: SshEntry, b: SshEntry): number {
  return compareText(a.id, b.id) || compareText(a.paths.join(), b.paths.join());
}

/**
 * The project that `x-depot` names, as it is written: `0123456789` is one, too. Undefined when it names none. Throws
 * {@link ComposeError}.
 */
export function projectId(node: Node | undefined): string | undefined {
  if (node === undefined || isNull(node)) return undefined;
  if (node.is !== 'map') return undefined;
  const id = child(node, 'project-id');
  if (id?.is !== 'scalar' || id.value === null) return undefined;
  return typeof id.value === 'string' ? id.value : id.source;
}

function wrong(node: Node, message: string, hint: string): ComposeError {
  return new ComposeError({ reason: 'wrong-type', message, hint, span: node.span });
}

function texts(node: Node | undefined, key: string): readonly string[] {
  if (node === undefined || isNull(node)) return [];
  if (node.is === 'scalar')
    return text(node)
      .split(/\s+/)
      .filter((part) => part !== '');
  const isList = node.is === 'list' && node.items.every(({ is }) => is === 'scalar');
  if (!isList) throw wrong(node, `x-bake.${key} must be a list of texts, or a text`, `write ${key}: [one, two]`);
  return node.items.map(text);
}

function text(node: Node): string {
  return node.is === 'scalar' ? scalarText(node.value) : '';
}

/** True and false, and the words of YAML 1.1 for them; but not the texts "true" and "false", as in the reference. */
function flag(node: Node | undefined, key: string): boolean | undefined {
  if (node === undefined || isNull(node)) return undefined;
  if (node.is === 'scalar') {
    if (typeof node.value === 'boolean') return node.value;
    if (['y', 'Y', 'yes', 'on'].includes(text(node))) return true;
    if (['n', 'N', 'no', 'off'].includes(text(node))) return false;
  }
  throw wrong(node, `x-bake.${key} must be true or false`, 'write it without quotes; a variable may hold yes or no');
}

function parsed<T>(
  given: readonly string[],
  parse: (one: string) => Result<T, string>,
  node: Node | undefined,
): readonly T[] {
  return given
    .filter((one) => one !== '')
    .map((one) => {
      const entry = parse(one);
      if (entry.ok) return entry.value;
      throw new ComposeError({
        reason: 'invalid-value',
        message: entry.failure,
        hint: 'write key=value pairs, with commas between them',
        ...(node === undefined ? {} : { span: node.span }),
      });
    });
}
