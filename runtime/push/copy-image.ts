import type { LimitFunction } from 'p-limit';
import type { OciDescriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { readImageIndex } from '../oci/image-index.ts';
import { readImageManifest } from '../oci/image-manifest.ts';
import { isForeignLayer, isIndexType } from '../oci/media-types.ts';
import type { RegistryClient, StoredManifest } from '../registry/client.ts';
import type { Repository } from '../registry/image-reference.ts';
import { repositoryText } from '../registry/image-reference.ts';
import type { Registries } from '../registry/registries.ts';
import { RegistryError } from '../registry/registry-error.ts';
import { steadyBlob } from '../registry/steady-blob.ts';

/** Says how far something is: bytes so far, and all of them where that is known. */
export type CopyProgress = (id: string, currentBytes: number, totalBytes?: number) => void;

/** How images are copied. */
export interface CopyOptions {
  readonly registries: Registries;
  /** How many blobs go to one registry at a time. */
  readonly limit: LimitFunction;
  readonly progress: CopyProgress;
  readonly signal: AbortSignal;
}

/**
 * Puts images of other repositories into one, what they name before themselves; what is there already is left alone, and
 * blobs of the same registry are taken over without being moved. Methods throw a {@link RegistryError} of either side.
 */
export class ImageCopier {
  readonly #to: Repository;
  readonly #client: RegistryClient;
  readonly #options: CopyOptions;
  /** Images share layers: each is copied once. */
  readonly #blobs = new Map<Digest, Promise<void>>();

  constructor(to: Repository, options: CopyOptions) {
    this.#to = to;
    this.#client = options.registries.client(to.registry);
    this.#options = options;
  }

  /** Makes sure that a manifest or an index is in the repository, with all that it names. */
  async ensure({ digest }: Pick<OciDescriptor, 'digest'>, from: readonly Repository[]): Promise<void> {
    const { signal } = this.#options;
    if ((await this.#client.findManifest(this.#to.path, digest, { signal })) === digest) return;
    const others = from.filter((one) => repositoryText(one) !== repositoryText(this.#to));
    let problem: unknown = new RegistryError(
      `${this.#to.registry}: ${this.#to.path} has no ${digest}, and no other place is known for it`,
      { registry: this.#to.registry, status: 404 },
    );
    for (const one of [...others].sort((a, b) => this.#distance(a) - this.#distance(b))) {
      try {
        await this.#copy(digest, one);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof RegistryError && error.registry === this.#to.registry && one.registry !== error.registry)
          throw error;
        problem = error;
      }
    }
    throw problem;
  }

  /** Makes sure that all is there that a manifest or an index names, but not itself. */
  async ensureNamed({ digest, mediaType, bytes }: StoredManifest, from: Repository): Promise<void> {
    if (isIndexType(mediaType)) {
      const index = readImageIndex(bytes);
      if (!index.ok) throw this.#unreadable(digest, from, index.failure);
      for (const child of index.value.manifests) await this.ensure(child, [from]);
      return;
    }
    const manifest = readImageManifest(bytes);
    if (!manifest.ok) throw this.#unreadable(digest, from, manifest.failure);
    const { config, layers } = manifest.value;
    const kept = [config, ...layers.filter((layer) => !isForeignLayer(layer.mediaType))];
    const copied = await Promise.allSettled(kept.map((blob) => this.#blob(blob, from)));
    const problem = copied.find((one) => one.status === 'rejected');
    if (problem !== undefined) throw problem.reason;
  }

  /** Those of the same registry first. */
  #distance({ registry }: Repository): number {
    return registry === this.#to.registry ? 0 : 1;
  }

  async #copy(digest: Digest, from: Repository): Promise<void> {
    const { registries, progress, signal } = this.#options;
    progress(`copying ${digest} from ${repositoryText(from)}`, 0);
    const stored = await registries.client(from.registry).readManifest(from.path, digest, { signal });
    await this.ensureNamed(stored, from);
    await this.#client.putManifest(this.#to.path, digest, stored, { signal });
    if ((await this.#client.findManifest(this.#to.path, digest, { signal })) !== digest)
      throw new RegistryError(`${this.#to.registry}: ${this.#to.path} took ${digest}, and does not have it`, {
        registry: this.#to.registry,
      });
  }

  #blob(blob: OciDescriptor, from: Repository): Promise<void> {
    const known = this.#blobs.get(blob.digest);
    if (known !== undefined) return known;
    const copied = this.#options.limit(() => this.#copyBlob(blob, from));
    this.#blobs.set(blob.digest, copied);
    // From another place it may be had yet.
    copied.catch(() => this.#blobs.delete(blob.digest));
    return copied;
  }

  async #copyBlob({ digest, size }: OciDescriptor, from: Repository): Promise<void> {
    const { registries, progress, signal } = this.#options;
    const source = registries.client(from.registry);
    await this.#client.ensureBlob(
      this.#to.path,
      {
        digest,
        size,
        read: () => steadyBlob(source, { repository: from.path, digest, size }, { signal }),
        mountFrom: from.registry === this.#to.registry ? [from.path] : [],
        onProgress: (sentBytes) => progress(`copying ${digest}`, sentBytes, size),
      },
      { signal },
    );
  }

  #unreadable(digest: Digest, from: Repository, why: string): RegistryError {
    return new RegistryError(`${from.registry}: ${digest} of ${from.path} cannot be copied: ${why}`, {
      registry: from.registry,
    });
  }
}
