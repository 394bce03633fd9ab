import { create } from '@bufbuild/protobuf';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import type { Wire, WireEvents } from '../http2/wire.ts';
import { status as code } from '../rpc/status.ts';
import type { Session } from '../session/session.ts';
import type { WireError } from './error.ts';
import { fromStatus, isConnectionLoss } from './error.ts';

/** A session that is served to a daemon, and what became of its connection. */
export class ServedSession {
  readonly #unopened = new AbortController();
  #isOpen = false;
  #loss: Error | undefined;

  /** Serves it until `signal` ends; `heard` learns of all that comes. */
  constructor(
    session: Session,
    open: (events: WireEvents) => Wire,
    { heard, signal }: { readonly heard: () => void; readonly signal: AbortSignal },
  ) {
    const overheard = (): void => {
      this.#isOpen = true;
      heard();
    };
    void session.serve(open, overheard).then((reason) => {
      if (reason === undefined || signal.aborted) return;
      this.#loss = reason;
      if (!this.#isOpen) this.#unopened.abort();
    });
  }

  /** Aborted when its connection is gone before the daemon said anything on it. One that was open may be needed no more. */
  get unopened(): AbortSignal {
    return this.#unopened.signal;
  }

  /** An error of the daemon that lives, or the loss of this session, where the error only tells that it is missed. */
  explained(error: WireError): WireError {
    const isMissed =
      error.code === code.CANCELLED || isConnectionLoss(error) || error.message.includes('no active session for ');
    if (this.#loss === undefined || !isMissed) return error;
    const message = `its session was lost: ${this.#loss.message}`;
    return fromStatus(create(StatusSchema, { code: code.UNAVAILABLE, message }));
  }
}
