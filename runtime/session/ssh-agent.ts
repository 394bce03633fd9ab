/** Who holds ssh keys for a builder: an agent of this machine, or we ourselves. */
export interface SshAgent {
  /** Opens a conversation; it is over with its scope. */
  connect(signal: AbortSignal): Promise<SshConversation>;
}

/** Questions to one agent, one after the other. */
export interface SshConversation extends Disposable {
  /** A whole message in, a whole message out, each with its length in front (draft-miller-ssh-agent, 3). */
  ask(request: Buffer): Promise<Buffer>;
}

/** `SSH_AGENT_FAILURE`, whole. */
export const AGENT_FAILURE: Buffer = Buffer.from([0, 0, 0, 1, 5]);

/** What a builder may ask: which keys there are, and to sign with one (draft-miller-ssh-agent, 6.1). */
export const REQUEST_IDENTITIES = 11;
export const SIGN_REQUEST = 13;

const LENGTH_BYTES = 4;

/** As long as OpenSSH's agent takes. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** A message that is too long to be one. */
export class AgentMessageTooLong extends Error {
  constructor(bytes: number) {
    super(`an agent message of ${bytes} bytes`);
    this.name = 'AgentMessageTooLong';
  }
}

/** The type of a whole message, its first byte; 0, which is none, for an empty one. */
export function typeOf(message: Buffer): number {
  return message[LENGTH_BYTES] ?? 0;
}

/** Cuts bytes into whole messages, each with its length in front. Throws {@link AgentMessageTooLong}. */
export async function* agentMessages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let pending = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= LENGTH_BYTES) {
      const length = pending.readUInt32BE(0);
      if (length > MAX_MESSAGE_BYTES) throw new AgentMessageTooLong(length);
      if (pending.length < LENGTH_BYTES + length) break;
      yield pending.subarray(0, LENGTH_BYTES + length);
      pending = pending.subarray(LENGTH_BYTES + length);
    }
  }
}
