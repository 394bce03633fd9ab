import type { Headers } from '../http2/hpack.ts';

/** The headers of a call beside gRPC's own, in order; names in lower case, values ASCII. */
export class Metadata {
  readonly #fields: (readonly [string, string])[] = [];

  /** Adds a value, beside those that the name has already. */
  add(name: string, value: string): this {
    this.#fields.push([name, value]);
    return this;
  }

  headers(): Headers {
    return this.#fields;
  }
}
