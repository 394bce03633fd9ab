import { uniqueEntries } from '../bake/raw-target.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { attestEntry, attestText, cacheEntries } from '../options/entries.ts';
import type { Result } from '../result.ts';
import type { Span } from '../source.ts';
import type { AttestEntry, SshEntry, TypedEntry } from '../target.ts';
import type { BuildSection, ComposeService } from './service.ts';

/** Reads what a build section writes as texts of their own form; takes note of what is wrong with them, and where. */
export class BuildEntries {
  readonly #service: ComposeService;
  readonly #build: BuildSection;
  readonly #diagnostics: Diagnostic[];

  constructor(service: ComposeService, build: BuildSection, diagnostics: Diagnostic[]) {
    this.#service = service;
    this.#build = build;
    this.#diagnostics = diagnostics;
  }

  caches(texts: readonly string[], key: string): readonly TypedEntry[] {
    return uniqueEntries(
      texts.filter((text) => text !== '').flatMap((text) => this.#read(cacheEntries(text), key) ?? []),
    );
  }

  /** None when nothing is said. */
  attest(type: 'provenance' | 'sbom', value: string): readonly AttestEntry[] {
    const entry = value === '' ? undefined : this.#read(attestEntry(attestText(type, value)), type);
    return entry === undefined ? [] : [entry];
  }

  complain(key: string, message: string, hint: string): void {
    const span = this.#build.places.get(key) ?? this.#service.span;
    this.#diagnostics.push({ reason: 'invalid-value', message, hint, span });
  }

  #read<T>(result: Result<T, string>, key: string): T | undefined {
    if (result.ok) return result.value;
    this.complain(key, result.failure, 'write key=value pairs, with commas between them');
    return undefined;
  }
}

const PLACES: Readonly<Record<string, string>> = { secrets: 'secret', additional_contexts: 'contexts' };

/** Where the attributes of a service's target are written, by the names that bake has for them. */
export function buildPlaces(service: ComposeService, { places }: BuildSection): ReadonlyMap<string, Span> {
  const renamed = [...places].map(([key, span]) => [PLACES[key] ?? key.replaceAll('_', '-'), span] as const);
  return new Map([['', service.span], ...renamed]);
}

/** An agent has no path. */
export function sshEntryOf({ id, path }: BuildSection['ssh'][number]): SshEntry {
  return { id, paths: path === '' ? [] : [path] };
}

/** Several addresses of a host in one text. */
export function joinedHosts({ extraHosts }: BuildSection): ReadonlyMap<string, string> {
  return new Map([...extraHosts].map(([host, addresses]) => [host, addresses.join(',')]));
}
