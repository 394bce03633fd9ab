import { randomInt } from 'node:crypto';
import type { Wire, WireEvents } from '../http2/wire.ts';
import { Metadata } from '../rpc/metadata.ts';
import { healthService } from './health.ts';
import type { GrpcServing, SessionService } from './server.ts';
import { serveGrpc } from './server.ts';

const ID_LENGTH = 25;
const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** An identifier as BuildKit makes them for builds and sessions: whoever can guess it can use what it names. */
export function randomId(): string {
  return Array.from({ length: ID_LENGTH }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
}

/** What one build offers to the daemon that runs it: its files, credentials and secrets. */
export class Session {
  readonly id = randomId();
  readonly #sharedKey: string;
  readonly #services: readonly SessionService[];
  #open: GrpcServing | undefined;

  /** `sharedKey`: names the folders it serves to the daemon, so that only changed files travel again. */
  constructor(options: { readonly sharedKey: string; readonly services: readonly SessionService[] }) {
    this.#sharedKey = headerText(options.sharedKey);
    this.#services = [healthService(), ...options.services];
  }

  /** The headers that announce it (moby/buildkit `session/session.go`). */
  metadata(): Metadata {
    const metadata = new Metadata();
    metadata.add('x-docker-expose-session-uuid', this.id);
    metadata.add('x-docker-expose-session-sharedkey', this.#sharedKey);
    for (const method of this.#services.flatMap((service) => Object.keys(service))) {
      metadata.add('x-docker-expose-session-grpc-method', method);
    }
    return metadata;
  }

  /**
   * Serves the daemon on a byte stream until it ends or {@link close} is called; `heard` learns of all that comes. Resolves
   * when the stream is gone, with the reason unless we closed it.
   */
  serve(open: (events: WireEvents) => Wire, heard: () => void): Promise<Error | undefined> {
    const overheard = (events: WireEvents): Wire =>
      open({
        ...events,
        received: (chunk) => {
          heard();
          events.received(chunk);
        },
      });
    this.#open = serveGrpc(overheard, this.#services);
    return this.#open.gone;
  }

  /** Ends it; what the daemon still asks of it fails. Resolves when every call has put away what it had in hand. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }
}

/** A text as a header may hold it: what is no visible ASCII as `%XX`. */
function headerText(text: string): string {
  return text.toWellFormed().replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent);
}
