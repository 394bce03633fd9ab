import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is done to a request that a fault is for. */
export type Mischief =
  /** Answered by the proxy; the registry never sees it. */
  | {
      readonly is: 'answered';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection ends after so many bytes of the answer's body; 0: before its head. */
  | { readonly is: 'broken off'; readonly afterBytes: number }
  /** The connection ends after so many bytes of the request's body. */
  | { readonly is: 'cut'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes of the answer's body; 0: not even its head. */
  | { readonly is: 'stalled'; readonly afterBytes: number }
  /** The last byte of the answer's body is another one. */
  | { readonly is: 'falsified' }
  /** The answer comes so much later. */
  | { readonly is: 'delayed'; readonly ms: number };

/** Something that goes wrong on the way to a registry. */
export interface Fault {
  /** Which requests: tried on `METHOD /path?query`. */
  readonly on: RegExp;
  readonly does: Mischief;
  /** How often (always). */
  readonly times?: number;
}

/** A registry behind a proxy that does mischief. */
export interface FaultProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`: what image names begin with. */
  readonly host: string;
  /** From now on, beside those that are there; the first that is for a request counts. */
  add(...faults: readonly Fault[]): void;
  /** Ends all mischief, and forgets what was asked. */
  clear(): void;
  /** What has been asked so far, in order: `METHOD /path?query`. */
  asked(): readonly string[];
}

/** Puts a proxy before a registry (`http://127.0.0.1:PORT`). All that has no fault passes as it is. */
export async function faultProxy(registryUrl: string): Promise<FaultProxy> {
  let faults: { readonly fault: Fault; left: number }[] = [];
  let asked: string[] = [];
  const mischiefFor = (line: string): Mischief | undefined => {
    const found = faults.find(({ fault, left }) => left > 0 && fault.on.test(line));
    if (found === undefined) return undefined;
    found.left--;
    return found.fault.does;
  };
  const server = createServer((incoming, response) => {
    const line = `${incoming.method} ${incoming.url}`;
    asked.push(line);
    // Whoever gives up may hang up.
    incoming.on('error', () => undefined);
    response.on('error', () => undefined);
    pass(incoming, response, { to: registryUrl, mischief: mischiefFor(line) });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (...more) => void faults.push(...more.map((fault) => ({ fault, left: fault.times ?? Infinity }))),
    clear: () => {
      faults = [];
      asked = [];
    },
    asked: () => [...asked],
    [Symbol.asyncDispose]: () => closed(server),
  };
}

function pass(
  incoming: IncomingMessage,
  response: ServerResponse,
  { to, mischief }: { readonly to: string; readonly mischief: Mischief | undefined },
): void {
  if (mischief?.is === 'answered') {
    incoming.resume();
    incoming.once('end', () => response.writeHead(mischief.status, mischief.headers).end(mischief.body ?? ''));
    return;
  }
  const onward = request(new URL(incoming.url ?? '/', to), { method: incoming.method, headers: incoming.headers });
  onward.once('error', () => response.destroy());
  onward.once('response', (answer) => void answered(answer, response, mischief));
  if (mischief?.is !== 'cut') {
    incoming.pipe(onward);
    return;
  }
  let left = mischief.afterBytes;
  incoming.on('data', (chunk: Buffer) => {
    onward.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left > 0) return;
    onward.destroy();
    incoming.destroy();
  });
}

async function answered(
  answer: IncomingMessage,
  response: ServerResponse,
  mischief: Mischief | undefined,
): Promise<void> {
  const limit = mischief?.is === 'broken off' || mischief?.is === 'stalled' ? mischief.afterBytes : Infinity;
  const stop = (): void => {
    answer.destroy();
    if (mischief?.is !== 'stalled') response.destroy();
  };
  if (limit === 0) return stop();
  if (mischief?.is === 'delayed') await new Promise((late) => setTimeout(late, mischief.ms));
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  response.flushHeaders();
  let given = 0;
  let held: Buffer | undefined;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (held !== undefined) response.write(held);
      held = chunk.subarray(0, limit - given);
      given += chunk.length;
      if (given < limit) continue;
      response.write(held, stop);
      return;
    }
  } catch {
    response.destroy();
    return;
  }
  if (held !== undefined && mischief?.is === 'falsified') held[held.length - 1] = ((held.at(-1) ?? 0) + 1) % 256;
  response.end(held);
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
