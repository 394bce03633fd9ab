import type { ServerCall } from '../../runtime/session/server.ts';

/** A call that the daemon makes, played: what it says, and what it hears. */
export interface PlayedCall extends ServerCall {
  readonly sent: Buffer[];
}

/** A call with these messages and headers; it ends after the last message. */
export function playedCall(
  messages: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, string>> = {},
  signal: AbortSignal = new AbortController().signal,
): PlayedCall {
  const sent: Buffer[] = [];
  return {
    sent,
    signal,
    metadata: (key) => (headers[key] === undefined ? [] : [headers[key]]),
    messages: (async function* () {
      for await (const message of messages) yield Buffer.from(message);
    })(),
    send: async (...parts) => void sent.push(Buffer.concat(parts)),
    lend: async (parts, returned) => {
      sent.push(Buffer.concat(parts));
      returned();
    },
  };
}
