import net from 'node:net';
import path from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { BytesMessageSchema } from '../../../proto/gen/moby/sshforward/v1/ssh_pb.ts';
import { GrpcError } from '../../../runtime/rpc/status.ts';
import type { ServerCall } from '../../../runtime/session/server.ts';
import { sshService } from '../../../runtime/session/ssh.ts';
import { socketAgent } from '../../../runtime/session/ssh-socket.ts';
import { tempFolder } from '../../rig/folder.ts';

const LIST_KEYS = Buffer.from([0, 0, 0, 1, 11]);
const NO_KEYS = Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]);

interface PlayedAgent extends AsyncDisposable {
  readonly socket: string;
}

async function agent(onConnection: (socket: net.Socket) => void): Promise<PlayedAgent> {
  const folder = await tempFolder('agent');
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket.on('error', () => undefined));
    onConnection(socket);
  });
  const listening = Promise.withResolvers<void>();
  const socket = path.join(folder.path, 'agent.sock');
  server.listen(socket, listening.resolve);
  await listening.promise;
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      for (const one of open) one.destroy();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A call that brings these messages, and then nothing until it is given up. */
function call(signal: AbortSignal, messages: readonly Buffer[]): ServerCall & { readonly sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  return {
    sent,
    signal,
    metadata: () => ['default'],
    messages: (async function* () {
      for (const data of messages) {
        yield Buffer.from(toBinary(BytesMessageSchema, create(BytesMessageSchema, { data })));
      }
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    })(),
    send: async (...parts) => void sent.push(...parts.map((part) => fromBinary(BytesMessageSchema, part).data)),
    lend: async (parts) => void sent.push(...parts.map((part) => fromBinary(BytesMessageSchema, part).data)),
  };
}

async function forward(socket: string, made: ServerCall): Promise<void> {
  const { '/moby.sshforward.v1.SSH/ForwardAgent': handler } = sshService(new Map([['default', socketAgent(socket)]]));
  await handler?.(made);
}

const gone = new GrpcError(1, 'the call was given up');

test('an agent is asked for its keys', async () => {
  await using played = await agent((socket) => socket.on('data', () => socket.write(NO_KEYS)));
  const asking = new AbortController();
  const made = call(asking.signal, [LIST_KEYS]);
  const forwarded = forward(played.socket, made);
  await expect.poll(() => made.sent).toEqual([new Uint8Array(NO_KEYS)]);
  asking.abort(gone);
  await forwarded;
});

test('a call that was given up before never reaches the agent', async () => {
  let reached = 0;
  await using played = await agent(() => reached++);
  await expect(forward(played.socket, call(AbortSignal.abort(gone), [LIST_KEYS]))).rejects.toThrow(gone.message);
  expect(reached).toBe(0);
});

test('a call that is given up while the agent is being reached ends', async () => {
  await using played = await agent(() => undefined);
  const asking = new AbortController();
  const forwarded = forward(played.socket, call(asking.signal, [LIST_KEYS]));
  asking.abort(gone);
  await expect(forwarded).rejects.toThrow(/given up|aborted/);
});

test('an agent that hangs up before the first question is told', async () => {
  await using played = await agent((socket) => socket.destroy());
  await expect(forward(played.socket, call(new AbortController().signal, [LIST_KEYS]))).rejects.toThrow(
    'the ssh agent',
  );
});
