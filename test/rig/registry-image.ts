import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { EMPTY_DOCKER_CONFIG } from '../../runtime/docker/config.ts';
import { CredentialStore } from '../../runtime/docker/credentials.ts';
import type { Digest } from '../../runtime/oci/digest.ts';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../runtime/oci/media-types.ts';
import { RegistryClient } from '../../runtime/registry/client.ts';

/** What an index says of something that has been pushed. */
export interface PushedThing {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Puts images that no builder would make into a repository. */
export class ImageMaker {
  readonly #client: RegistryClient;
  readonly #repository: string;
  readonly #signal = AbortSignal.timeout(60_000);

  constructor(host: string, repository: string) {
    const env = new Map<string, string>();
    this.#client = new RegistryClient(host, { credentials: new CredentialStore(EMPTY_DOCKER_CONFIG, env), env });
    this.#repository = repository;
  }

  async blob(mediaType: string, bytes: Buffer): Promise<PushedThing> {
    const digest = digestOf(bytes);
    await this.#client.ensureBlob(
      this.#repository,
      {
        digest,
        size: bytes.length,
        read: async function* () {
          yield bytes;
        },
      },
      { signal: this.#signal },
    );
    return { mediaType, digest, size: bytes.length };
  }

  /** A layer of that many bytes that cannot be packed. */
  layer(bytes = 100): Promise<PushedThing> {
    return this.blob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(randomBytes(bytes)));
  }

  async manifest(mediaType: string, json: object, tag?: string): Promise<PushedThing> {
    const bytes = Buffer.from(JSON.stringify(json));
    const digest = digestOf(bytes);
    await this.#client.putManifest(
      this.#repository,
      tag ?? digest,
      { digest, mediaType, bytes },
      { signal: this.#signal },
    );
    return { mediaType, digest, size: bytes.length };
  }

  async image(
    config: object,
    {
      tag,
      isDocker = false,
      layers,
      annotations,
    }: {
      readonly tag?: string;
      readonly isDocker?: boolean;
      readonly layers?: readonly PushedThing[];
      readonly annotations?: object;
    } = {},
  ): Promise<PushedThing> {
    const configType = isDocker
      ? 'application/vnd.docker.container.image.v1+json'
      : 'application/vnd.oci.image.config.v1+json';
    const mediaType = isDocker ? DOCKER_MANIFEST : OCI_MANIFEST;
    const json = {
      schemaVersion: 2,
      mediaType,
      config: await this.blob(configType, Buffer.from(JSON.stringify(config))),
      layers: layers ?? [await this.layer()],
      annotations,
    };
    return this.manifest(mediaType, json, tag);
  }

  index(
    manifests: readonly object[],
    {
      tag,
      isDocker = false,
      ...more
    }: { readonly tag?: string; readonly isDocker?: boolean; readonly annotations?: object } = {},
  ): Promise<PushedThing> {
    const mediaType = isDocker ? DOCKER_LIST : OCI_INDEX;
    return this.manifest(mediaType, { schemaVersion: 2, mediaType, manifests, ...more }, tag);
  }

  /** An attestation of an image, as BuildKit makes it. */
  async attestation(
    of: Digest,
    statements: readonly { readonly type: string; readonly predicate: unknown }[],
  ): Promise<PushedThing> {
    const layers: PushedThing[] = [];
    for (const { type, predicate } of statements) {
      const statement = { _type: 'https://in-toto.io/Statement/v0.1', predicateType: type, subject: [], predicate };
      const layer = await this.blob('application/vnd.in-toto+json', Buffer.from(JSON.stringify(statement)));
      layers.push({ ...layer, annotations: { 'in-toto.io/predicate-type': type } });
    }
    const made = await this.image(
      { architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers' } },
      { layers },
    );
    return {
      ...made,
      platform: { architecture: 'unknown', os: 'unknown' },
      annotations: { 'vnd.docker.reference.digest': of, 'vnd.docker.reference.type': 'attestation-manifest' },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}
