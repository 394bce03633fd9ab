import { GrpcError, status } from '../rpc/status.ts';

const TICK_MS = 1_000;

/** How long a daemon may say nothing before it is asked. It calls each session every 5 s (moby/buildkit `session/grpc.go`). */
const QUIET_MS = 12_000;

/** How long it may then take to answer. */
const ANSWER_MS = 12_000;

/** A daemon that stopped answering without hanging up: for callers it is the connection that is lost. */
export class DaemonSilent extends GrpcError {
  constructor(silentMs: number) {
    super(status.UNAVAILABLE, `it has not answered for ${Math.round(silentMs / 1000)} seconds`);
    this.name = 'DaemonSilent';
  }
}

/** A watch over one daemon; ends with its scope. */
export interface SilenceWatch extends Disposable {
  /** To be told of everything that comes from the daemon. */
  readonly heard: () => void;
  /** Aborted with a {@link DaemonSilent} once the daemon is taken for dead, 25 s after its last word. */
  readonly lost: AbortSignal;
}

/**
 * Notices a daemon that went away in a way that no connection tells: its machine died, or what lies between forwards
 * nothing. One that says nothing of itself for a while is asked, by a call of its API (HTTP/2 pings would make it hang up).
 * Only time in which this process ran counts: one that was stopped has not listened either.
 *
 * `ask` resolves when the daemon says anything at all, and rejects only when its signal ends it.
 */
export function watchSilence(ask: (options: { readonly signal: AbortSignal }) => Promise<void>): SilenceWatch {
  const own = new AbortController();
  const lost = new AbortController();
  let silentMs = 0;
  let lastTick = performance.now();
  let isAsked = false;
  const heard = (): void => {
    silentMs = 0;
  };
  const askOnce = async (): Promise<void> => {
    isAsked = true;
    try {
      await ask({ signal: own.signal });
      heard();
    } catch (error) {
      if (!own.signal.aborted) throw error;
    } finally {
      isAsked = false;
    }
  };
  const timer = setInterval(() => {
    const now = performance.now();
    silentMs += Math.min(now - lastTick, 2 * TICK_MS);
    lastTick = now;
    if (silentMs >= QUIET_MS + ANSWER_MS) {
      clearInterval(timer);
      lost.abort(new DaemonSilent(silentMs));
    } else if (silentMs >= QUIET_MS && !isAsked) void askOnce();
  }, TICK_MS);
  timer.unref();
  return {
    heard,
    lost: lost.signal,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      own.abort();
    },
  };
}
