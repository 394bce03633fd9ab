import { unique } from '../bake/raw-target.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { annotationProblem, platformProblem, sizeBytes, ulimitProblem } from '../options/checks.ts';
import { csvFields } from '../options/csv.ts';
import { entitlementProblem, LOCAL_DELETE } from '../options/entitlement.ts';
import {
  attestEntry,
  attestText,
  cacheEntries,
  outputEntry,
  sameEntry,
  secretEntry,
  sshEntry,
} from '../options/entries.ts';
import { referenceProblem } from '../options/reference.ts';
import type { Result } from '../result.ts';
import { fail } from '../result.ts';
import type { AttestEntry, SecretEntry, SshEntry, TypedEntry } from '../target.ts';

/** The flags of a command line by their long names, as they were given; those that were not are absent. */
export interface FlagWords {
  readonly switches: ReadonlyMap<string, boolean>;
  readonly texts: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

/** What is wrong with the text of a flag that stands as it is; undefined when nothing is. */
type Check = (text: string) => string | undefined;

/** What each flag's value looks like, for who got it wrong. */
const FORMS: Readonly<Record<string, string>> = {
  'add-host': 'write --add-host HOST:ADDRESS, such as db:10.0.0.2',
  allow: 'known are network.host, security.insecure, device and buildx.local.delete',
  annotation: 'write --annotation KEY=VALUE, or index:KEY=VALUE, manifest[linux/amd64]:KEY=VALUE',
  attest: 'write --attest type=sbom or --attest type=provenance,mode=max',
  'build-arg': 'write --build-arg NAME=VALUE, or NAME for the value of the environment variable',
  'build-context': 'write --build-context NAME=PATH, or a URL, docker-image://IMAGE, oci-layout://PATH',
  'cache-from': 'write --cache-from type=registry,ref=IMAGE or type=local,src=FOLDER',
  'cache-to': 'write --cache-to type=registry,ref=IMAGE or type=local,dest=FOLDER',
  call: 'write --call check, outline or targets',
  label: 'write --label NAME=VALUE',
  network: 'known are default, none and host',
  output: 'write --output FOLDER, or type=image|registry|docker|oci|tar|local with their attributes',
  platform: 'write --platform OS/ARCH or OS/ARCH/VARIANT, such as linux/amd64',
  secret: 'write --secret id=NAME,src=FILE or id=NAME,env=VARIABLE',
  'shm-size': 'write a number with b, k, m or g',
  provenance: 'write --provenance true, false or mode=max',
  sbom: 'write --sbom true, false or generator=IMAGE',
  ssh: 'write --ssh default, or --ssh NAME=SOCKET or NAME=KEY',
  tag: 'write --tag registry.example/name:tag in lowercase',
  ulimit: 'write --ulimit NAME=SOFT or NAME=SOFT:HARD',
};

/** Given without a value (`--cache-from "$CACHE"` in a script) these are as good as not given, as with docker buildx. */
const MAY_BE_EMPTY = new Set(['add-host', 'annotation', 'cache-from', 'cache-to', 'output', 'secret']);

/** Reads the values of flags into the parts of a target, and gathers what is wrong with them. */
export class FlagReader {
  readonly mistakes: Diagnostic[] = [];
  readonly warnings: Diagnostic[] = [];
  readonly #flags: FlagWords;
  readonly #environment: ReadonlyMap<string, string>;

  constructor(flags: FlagWords, environment: ReadonlyMap<string, string>) {
    this.#flags = flags;
    this.#environment = environment;
    for (const [flag, check] of CHECKS) for (const text of this.texts(flag)) this.#note(flag, text, check(text));
    const shm = flags.texts.get('shm-size');
    if (shm !== undefined) this.#note('shm-size', shm, sizeProblem(shm));
    const network = flags.texts.get('network') ?? '';
    if (!['', 'default', 'none', 'host'].includes(network))
      this.#note('network', network, 'BuildKit has no network of that name');
  }

  /** The values of a flag that may repeat. */
  texts(flag: string): readonly string[] {
    const texts = this.#flags.lists.get(flag) ?? [];
    return MAY_BE_EMPTY.has(flag) ? texts.filter((text) => text !== '') : texts;
  }

  /** `NAME=VALUE`; a name alone takes its value from the environment, and is left out where there is none. */
  args(): ReadonlyMap<string, string> {
    return this.#pairs('build-arg', (name) => this.#environment.get(name));
  }

  /** `NAME=VALUE`; a name alone is an empty label. */
  labels(): ReadonlyMap<string, string> {
    return this.#pairs('label', () => '');
  }

  /** Named contexts; the name of an image is written in its short form (docker/buildx `util/buildflags/context.go`). */
  contexts(): ReadonlyMap<string, string> {
    const contexts = new Map<string, string>();
    for (const text of this.texts('build-context')) {
      if (text === '') continue;
      const equals = text.indexOf('=');
      const name = text.slice(0, equals);
      if (equals === -1) this.#note('build-context', text, 'expected key=value');
      else if (referenceProblem(name) !== undefined)
        this.#note('build-context', text, `${JSON.stringify(name)} cannot name a context`);
      else if (text.startsWith('target:', equals + 1))
        this.#note('build-context', text, 'there are no other targets in a build; `depot bake` links targets');
      else contexts.set(familiarName(name), text.slice(equals + 1));
    }
    return contexts;
  }

  /**
   * Attestations; of several of one type the first counts, the short forms being the last (docker/buildx
   * `util/buildflags/attests.go`, `ToMap`). What is passed over for that is warned of.
   */
  attests(): readonly AttestEntry[] {
    const given = this.texts('attest').map((text) => ({ flag: 'attest', text, full: text }));
    const short = (['provenance', 'sbom'] as const).flatMap((flag) => {
      const text = this.#flags.texts.get(flag) ?? '';
      return text === '' ? [] : [{ flag, text, full: attestText(flag, text) }];
    });
    const first = new Map<string, AttestEntry>();
    for (const { flag, text, full } of [...given, ...short]) {
      const entry = full === '' ? fail('it is empty') : attestEntry(full);
      const why = entry.ok ? attestProblem(entry.value) : entry.failure;
      this.#note(flag, text, why);
      if (!entry.ok || why !== undefined) continue;
      const earlier = first.get(entry.value.type);
      if (earlier === undefined) first.set(entry.value.type, entry.value);
      else if (!sameAttest(earlier, entry.value)) this.#passOver(flag, text, entry.value.type);
    }
    return [...first.values()];
  }

  caches(flag: 'cache-from' | 'cache-to'): readonly TypedEntry[] {
    return this.#entries(flag, this.texts(flag), cacheEntries).flat();
  }

  outputs(): readonly TypedEntry[] {
    return this.#entries('output', this.texts('output'), outputEntry);
  }

  secrets(): readonly SecretEntry[] {
    return this.#entries('secret', this.texts('secret'), secretEntry);
  }

  /** Two of one id are a mistake: nobody could tell which of them a step would use. */
  ssh(): readonly SshEntry[] {
    const texts = this.texts('ssh').filter((text) => text !== '');
    const entries = this.#entries('ssh', texts, sshEntry);
    const ids = entries.map(({ id }) => (id === '' ? 'default' : id));
    const again = ids.filter((id, at) => ids.indexOf(id) < at);
    for (const id of unique(again)) this.#note('ssh', id, 'it is given twice, and an id means one agent');
    return entries;
  }

  /** What the builder has to grant; {@link LOCAL_DELETE} is granted here. */
  entitlements(): readonly string[] {
    return this.texts('allow').filter((text) => text !== '' && text !== LOCAL_DELETE);
  }

  /** `HOST:ADDRESS` or `HOST=ADDRESS`; several of one host are several addresses (docker/cli `opts/hosts.go`). */
  hosts(): ReadonlyMap<string, string> {
    const hosts = new Map<string, string>();
    for (const text of this.texts('add-host').flatMap((one) => csvList(one))) {
      const cut = /^([^=:]+)[=:](.+)$/s.exec(text);
      const [, host = '', address = ''] = cut ?? [];
      if (cut === null) this.#note('add-host', text, 'a host and its address are expected');
      else if (!isAddress(address)) this.#note('add-host', text, `${JSON.stringify(address)} is no address`);
      else hosts.set(host, hosts.has(host) ? `${hosts.get(host)},${address}` : address);
    }
    return hosts;
  }

  #pairs(flag: string, valueOf: (name: string) => string | undefined): ReadonlyMap<string, string> {
    const pairs = new Map<string, string>();
    for (const text of this.texts(flag)) {
      const equals = text.indexOf('=');
      const name = equals === -1 ? text : text.slice(0, equals);
      const value = equals === -1 ? valueOf(name) : text.slice(equals + 1);
      if (name === '') this.#note(flag, text, 'the name is empty');
      else if (value !== undefined) pairs.set(name, value);
    }
    return pairs;
  }

  #entries<T>(flag: string, texts: readonly string[], parse: (text: string) => Result<T, string>): readonly T[] {
    return texts.flatMap((text) => {
      const entry = text === '' ? fail('it is empty') : parse(text);
      if (entry.ok) return [entry.value];
      this.#note(flag, text, entry.failure);
      return [];
    });
  }

  #passOver(flag: string, text: string, type: string): void {
    const message = `--${flag} ${JSON.stringify(text)} has no effect: ${type} is asked for twice, and the first counts`;
    this.warnings.push({ reason: 'invalid-flag', message, hint: 'take one of them out' });
  }

  #note(flag: string, text: string, why: string | undefined): void {
    if (why === undefined) return;
    const message = `invalid value ${JSON.stringify(text)} for --${flag}: ${why}`;
    const hint = FORMS[flag];
    this.mistakes.push({ reason: 'invalid-flag', message, ...(hint === undefined ? {} : { hint }) });
  }
}

const CHECKS: readonly (readonly [flag: string, check: Check])[] = [
  ['allow', entitlementProblem],
  ['annotation', annotationProblem],
  ['platform', platformProblem],
  ['tag', referenceProblem],
  ['ulimit', ulimitProblem],
];

/** `docker.io/library/alpine:latest` is `alpine` (distribution/reference `FamiliarString`). */
function familiarName(name: string): string {
  return name
    .replace(/^(?:index\.)?docker\.io\//, '')
    .replace(/^library\/(?=[^/]+$)/, '')
    .replace(/:latest$/, '');
}

function isAddress(text: string): boolean {
  const plain = text.replace(/^\[(.*)\]$/, '$1');
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(plain)) return plain.split('.').every((part) => Number(part) <= 255);
  return plain === 'host-gateway' || /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(plain);
}

/** Empty is no size either, as with docker; and the builder counts in 64 bits. */
function sizeProblem(text: string): string | undefined {
  const size = sizeBytes(text);
  if (size === undefined) return 'it is no size';
  return size < 2 ** 63 ? undefined : 'it is more than a builder can count';
}

const PROVENANCE_MODES = ['min', 'max'];

/** What the builder would find only when everything is built. */
function attestProblem({ type, attrs }: AttestEntry): string | undefined {
  const { mode } = attrs;
  if (type !== 'provenance' || mode === undefined || PROVENANCE_MODES.includes(mode)) return undefined;
  return `there is no mode ${JSON.stringify(mode)}; min and max are known`;
}

function sameAttest(a: AttestEntry, b: AttestEntry): boolean {
  return a.disabled === b.disabled && sameEntry(a, b);
}

function csvList(text: string): readonly string[] {
  const fields = csvFields(text);
  return fields.ok ? fields.value : [text];
}
