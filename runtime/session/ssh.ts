import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { GrpcError, status as code } from '../rpc/status.ts';
import { BytesMessageSchema, SSH } from '../../proto/gen/moby/sshforward/v1/ssh_pb.ts';
import type { ServerCall, SessionService } from './server.ts';
import { unaryHandler } from './server.ts';
import type { SshAgent } from './ssh-agent.ts';
import {
  AGENT_FAILURE,
  agentMessages,
  AgentMessageTooLong,
  REQUEST_IDENTITIES,
  SIGN_REQUEST,
  typeOf,
} from './ssh-agent.ts';

/** The agent that is meant where none is named. */
export const DEFAULT_SSH_ID = 'default';

/** What does not change an agent. */
const HARMLESS: ReadonlySet<number> = new Set([REQUEST_IDENTITIES, SIGN_REQUEST]);

/**
 * Lets a builder use ssh agents, by id. It may list keys and sign, as with buildx; whatever would change an agent is answered
 * with a failure and never reaches it (moby/buildkit `session/sshforward`).
 */
export function sshService(agents: ReadonlyMap<string, SshAgent>): SessionService {
  return {
    ...unaryHandler(SSH.method.checkAgent, async ({ ID }) => {
      agentOf(agents, ID);
      return {};
    }),
    [`/${SSH.typeName}/${SSH.method.forwardAgent.name}`]: (call) =>
      forward(call, agentOf(agents, call.metadata('buildkit.ssh.id')[0] ?? '')),
  };
}

function agentOf(agents: ReadonlyMap<string, SshAgent>, named: string): SshAgent {
  const id = named === '' ? DEFAULT_SSH_ID : named;
  const agent = agents.get(id);
  if (agent === undefined) throw new GrpcError(code.NOT_FOUND, `unset ssh forward key ${id}`);
  return agent;
}

async function forward(call: ServerCall, agent: SshAgent): Promise<void> {
  try {
    using conversation = await agent.connect(call.signal);
    for await (const request of agentMessages(chunks(call))) {
      const data = HARMLESS.has(typeOf(request)) ? await conversation.ask(request) : AGENT_FAILURE;
      await call.send(toBinary(BytesMessageSchema, create(BytesMessageSchema, { data })));
    }
  } catch (error) {
    if (error instanceof GrpcError) throw error;
    if (error instanceof AgentMessageTooLong) throw new GrpcError(code.RESOURCE_EXHAUSTED, error.message);
    throw new GrpcError(code.UNAVAILABLE, `the ssh agent: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function* chunks(call: ServerCall): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const message of call.messages) yield fromBinary(BytesMessageSchema, message).data;
}
