import type { RegistryOptions } from './client.ts';
import { RegistryClient } from './client.ts';

/** One client for each registry, made when it is first asked for, so that connections and tokens are shared; ended with its scope. */
export class Registries implements AsyncDisposable {
  readonly #options: RegistryOptions;
  readonly #clients = new Map<string, RegistryClient>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** `host`: as image names have it. */
  client(host: string): RegistryClient {
    const known = this.#clients.get(host);
    if (known !== undefined) return known;
    const made = new RegistryClient(host, this.#options);
    this.#clients.set(host, made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client[Symbol.asyncDispose]()));
  }
}
