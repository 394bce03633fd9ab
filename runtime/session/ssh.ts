import { once } from 'node:events';
import net from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status as code } from '../rpc/status.ts';
import { BytesMessageSchema, SSH } from '../../proto/gen/moby/sshforward/v1/ssh_pb.ts';
import type { ServerCall, SessionService } from './server.ts';
import { RpcError, unaryHandler } from './server.ts';

const DEFAULT_ID = 'default';

/** What a builder may ask of an agent: which keys it has (11), and to sign with one (13) (draft-miller-ssh-agent, 6.1). */
const HARMLESS: ReadonlySet<number> = new Set([11, 13]);

/** `SSH_AGENT_FAILURE`, whole. */
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);

/** As long as OpenSSH's agent takes. */
const MAX_MESSAGE_BYTES = 256 * 1024;

const LENGTH_BYTES = 4;

/**
 * Lets a builder use ssh agents of this machine, by id: their sockets. It may list keys and sign, as with buildx; whatever
 * would change an agent is answered with a failure and never reaches it (moby/buildkit `session/sshforward`).
 */
export function sshService(sockets: ReadonlyMap<string, string>): SessionService {
  return {
    ...unaryHandler(SSH.method.checkAgent, async ({ ID }) => {
      socketOf(sockets, ID);
      return {};
    }),
    [`/${SSH.typeName}/${SSH.method.forwardAgent.name}`]: (call) =>
      forward(call, socketOf(sockets, call.metadata('buildkit.ssh.id')[0] ?? '')),
  };
}

function socketOf(sockets: ReadonlyMap<string, string>, id: string): string {
  const socket = sockets.get(id === '' ? DEFAULT_ID : id);
  if (socket === undefined) throw new RpcError(code.NOT_FOUND, `unset ssh forward key ${id === '' ? DEFAULT_ID : id}`);
  return socket;
}

async function forward(call: ServerCall, socket: string): Promise<void> {
  call.signal.throwIfAborted();
  const agent = net.connect({ path: socket });
  const giveUp = (): void => void agent.destroy(call.signal.reason as Error);
  call.signal.addEventListener('abort', giveUp, { once: true });
  agent.on('error', toldByReading);
  try {
    await once(agent, 'connect', { signal: call.signal });
    const answers = agentMessages(agent);
    for await (const request of agentMessages(chunks(call))) {
      await answer(request, { call, agent, answers });
    }
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw new RpcError(code.UNAVAILABLE, `the ssh agent: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    call.signal.removeEventListener('abort', giveUp);
    agent.destroy();
  }
}

/** Whatever breaks the connection is told by the next answer that is waited for. */
function toldByReading(): void {}

async function answer(
  request: Buffer,
  {
    call,
    agent,
    answers,
  }: { readonly call: ServerCall; readonly agent: net.Socket; readonly answers: AsyncGenerator<Buffer> },
): Promise<void> {
  let data: Uint8Array = FAILURE;
  if (HARMLESS.has(request[LENGTH_BYTES] ?? 0)) {
    agent.write(request);
    const next = await answers.next();
    if (next.done === true) throw new RpcError(code.UNAVAILABLE, 'the ssh agent hung up');
    data = next.value;
  }
  await call.send(toBinary(BytesMessageSchema, create(BytesMessageSchema, { data })));
}

async function* chunks(call: ServerCall): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const message of call.messages) yield fromBinary(BytesMessageSchema, message).data;
}

/** Whole messages of the agent's protocol: a length, then as many bytes, of which the first is the type. */
async function* agentMessages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let pending = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= LENGTH_BYTES) {
      const length = pending.readUInt32BE(0);
      if (length > MAX_MESSAGE_BYTES)
        throw new RpcError(code.RESOURCE_EXHAUSTED, `an agent message of ${length} bytes`);
      if (pending.length < LENGTH_BYTES + length) break;
      yield pending.subarray(0, LENGTH_BYTES + length);
      pending = pending.subarray(LENGTH_BYTES + length);
    }
  }
}
