import type { Digest } from '../oci/digest.ts';
import { Digester, parseDigest } from '../oci/digest.ts';
import type { CredentialSource } from './authorizer.ts';
import type { BlobUpload } from './blob-upload.ts';
import { mountBlob, uploadBlob } from './blob-upload.ts';
import { Exchange } from './exchange.ts';
import { MANIFEST_TYPES, MAX_MANIFEST_BYTES } from './manifest.ts';
import type { Patience } from './patience.ts';
import { patiently } from './patience.ts';
import { noAnswer, RegistryError } from './registry-error.ts';
import type { RegistryAnswer, RegistryRequest, TransportOptions } from './transport.ts';

/** How a registry is spoken to. */
export interface RegistryOptions extends TransportOptions {
  readonly credentials: CredentialSource;
  /** How often what fails for a while is tried; absent: as {@link patiently} has it. */
  readonly patience?: Patience;
}

/** A manifest or an index as a registry keeps it. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

type Signal = { readonly signal: AbortSignal };

/**
 * One registry (OCI distribution spec). Repositories are named without it: `library/alpine`. Every method rejects with a
 * {@link RegistryError} that says which registry refused what, after trying again what may pass; or with the reason of its signal.
 * Connections end with its scope.
 */
export class RegistryClient implements AsyncDisposable {
  readonly host: string;
  readonly #exchange: Exchange;
  readonly #patience: { readonly patience?: Patience };

  constructor(host: string, options: RegistryOptions) {
    this.host = host;
    this.#exchange = new Exchange(host, options);
    this.#patience = options.patience === undefined ? {} : { patience: options.patience };
  }

  /** The digest that a tag or a digest has there; undefined when there is no such manifest. */
  async findManifest(repository: string, reference: string, { signal }: Signal): Promise<Digest | undefined> {
    return this.#patiently(signal, async () => {
      const asked = `looking for ${nameOf(repository, reference)}`;
      const answer = await this.#ask(asked, pathOf(repository, 'manifests', reference), {
        request: { method: 'HEAD', headers: { accept: MANIFEST_TYPES.join(', ') } },
        scopes: [pull(repository)],
        signal,
      });
      await answer.body.dump();
      if (answer.statusCode === 404) return undefined;
      if (answer.statusCode !== 200) throw await this.#refused(asked, answer);
      const named = parseDigest(headerOf(answer, 'docker-content-digest') ?? '') ?? parseDigest(reference);
      return named ?? (await this.readManifest(repository, reference, { signal })).digest;
    });
  }

  /** A manifest by its tag or digest, checked against the digest where one is known. */
  async readManifest(repository: string, reference: string, { signal }: Signal): Promise<StoredManifest> {
    return this.#patiently(signal, async () => {
      const asked = `reading ${nameOf(repository, reference)}`;
      const answer = await this.#ask(asked, pathOf(repository, 'manifests', reference), {
        request: { method: 'GET', headers: { accept: MANIFEST_TYPES.join(', ') } },
        scopes: [pull(repository)],
        signal,
      });
      if (answer.statusCode !== 200) throw await this.#refused(asked, answer);
      const bytes = await wholeBody(answer, MAX_MANIFEST_BYTES).catch((error: unknown) => {
        signal.throwIfAborted();
        throw noAnswer(this.host, asked, error);
      });
      if (bytes === undefined) throw this.#wrong(asked, 'it is larger than a manifest may be');
      const named = parseDigest(reference) ?? parseDigest(headerOf(answer, 'docker-content-digest') ?? '');
      const digester = new Digester(named);
      digester.update(bytes);
      const digest = digester.digest();
      if (named !== undefined && digest !== named)
        throw this.#wrong(asked, `what it gave has the digest ${digest} in place of ${named}`);
      return { digest, mediaType: mediaTypeOf(answer, bytes), bytes };
    });
  }

  /** Puts a manifest under a tag or its digest; whatever it names is to be there. */
  async putManifest(
    repository: string,
    reference: string,
    { digest, mediaType, bytes }: StoredManifest,
    { signal }: Signal,
  ): Promise<void> {
    await this.#patiently(signal, async () => {
      const asked = `pushing ${nameOf(repository, reference)}`;
      const answer = await this.#ask(asked, pathOf(repository, 'manifests', reference), {
        request: { method: 'PUT', headers: { 'content-type': mediaType }, body: () => bytes },
        scopes: [pullAndPush(repository)],
        signal,
      });
      if (answer.statusCode !== 201) throw await this.#refused(asked, answer);
      await answer.body.dump();
      const named = headerOf(answer, 'docker-content-digest');
      if (named !== undefined && named !== digest) throw this.#wrong(asked, `it stored ${named} in place of ${digest}`);
    });
  }

  /** Whether a repository has a blob. */
  async hasBlob(repository: string, digest: Digest, { signal }: Signal): Promise<boolean> {
    return this.#patiently(signal, async () => {
      const asked = `looking for a blob of ${repository}`;
      const answer = await this.#ask(asked, pathOf(repository, 'blobs', digest), {
        request: { method: 'HEAD' },
        scopes: [pullAndPush(repository)],
        signal,
      });
      await answer.body.dump();
      if (answer.statusCode === 404) return false;
      if (answer.statusCode !== 200) throw await this.#refused(asked, answer);
      return true;
    });
  }

  /** The bytes of a blob from `offset` on, not checked; a connection that breaks off is not taken up again. */
  async *readBlob(
    repository: string,
    digest: Digest,
    { offset = 0, signal }: Signal & { readonly offset?: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const asked = `reading a blob of ${repository}`;
    const answer = await this.#patiently(signal, async () => {
      const given = await this.#ask(asked, pathOf(repository, 'blobs', digest), {
        request: { method: 'GET', ...(offset === 0 ? {} : { headers: { range: `bytes=${offset}-` } }) },
        scopes: [pull(repository)],
        signal,
      });
      if (given.statusCode !== 200 && given.statusCode !== 206) throw await this.#refused(asked, given);
      return given;
    });
    let skip = answer.statusCode === 206 ? 0 : offset;
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        if (skip < chunk.length) yield chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw noAnswer(this.host, asked, error);
    }
  }

  /**
   * Makes sure that a repository has a blob: it is there, or in another repository of the registry from which it can be taken
   * over, or it is sent. Gives which of it.
   */
  async ensureBlob(
    repository: string,
    upload: BlobUpload,
    { signal }: Signal,
  ): Promise<'present' | 'mounted' | 'uploaded'> {
    if (await this.hasBlob(repository, upload.digest, { signal })) return 'present';
    const target = { exchange: this.#exchange, repository, signal };
    for (const from of upload.mountFrom ?? []) {
      if (from !== repository && (await mountBlob(upload.digest, from, target))) return 'mounted';
    }
    await this.#patiently(signal, () => uploadBlob(upload, target));
    return 'uploaded';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#exchange[Symbol.asyncDispose]();
  }

  #patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return patiently(work, { ...this.#patience, signal });
  }

  #ask(
    what: string,
    path: string,
    rest: { readonly request: RegistryRequest; readonly scopes: readonly string[]; readonly signal: AbortSignal },
  ): Promise<RegistryAnswer> {
    return this.#exchange.ask({ what, path, ...rest });
  }

  #refused(what: string, answer: RegistryAnswer): Promise<RegistryError> {
    return this.#exchange.refused({ what }, answer);
  }

  #wrong(what: string, why: string): RegistryError {
    return new RegistryError(`${this.host}: ${what}: ${why}`, { registry: this.host });
  }
}

function nameOf(repository: string, reference: string): string {
  return `${repository}${parseDigest(reference) === undefined ? ':' : '@'}${reference}`;
}

function pathOf(repository: string, kind: string, reference: string): string {
  return `/v2/${repository}/${kind}/${reference}`;
}

function pull(repository: string): string {
  return `repository:${repository}:pull`;
}

function pullAndPush(repository: string): string {
  return `repository:${repository}:pull,push`;
}

function headerOf({ headers }: RegistryAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

async function wholeBody({ body }: RegistryAnswer, maxBytes: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maxBytes) return undefined;
  }
  return Buffer.concat(parts);
}

function mediaTypeOf(answer: RegistryAnswer, bytes: Buffer): string {
  const named = (headerOf(answer, 'content-type') ?? '').split(';')[0]?.trim() ?? '';
  if (MANIFEST_TYPES.includes(named)) return named;
  const json = parsed(bytes);
  const own = typeof json === 'object' && json !== null && 'mediaType' in json ? json.mediaType : undefined;
  return typeof own === 'string' ? own : named;
}

/** Undefined for what is no JSON: a page for people to log in, say. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
