import { once } from 'node:events';
import net from 'node:net';
import type { SshAgent } from './ssh-agent.ts';
import { agentMessages } from './ssh-agent.ts';

/** An agent that listens on a socket of this machine. */
export function socketAgent(path: string): SshAgent {
  return {
    async connect(signal) {
      signal.throwIfAborted();
      const agent = net.connect({ path });
      const giveUp = (): void => void agent.destroy(signal.reason as Error);
      const close = (): void => {
        signal.removeEventListener('abort', giveUp);
        agent.destroy();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      agent.on('error', toldByReading);
      try {
        await once(agent, 'connect', { signal });
      } catch (error) {
        close();
        throw error;
      }
      const answers = agentMessages(agent);
      return {
        async ask(request) {
          agent.write(request);
          const next = await answers.next();
          if (next.done === true) throw new Error('it hung up');
          return next.value;
        },
        [Symbol.dispose]: close,
      };
    },
  };
}

/** Whatever breaks the connection is told by the next answer that is waited for. */
function toldByReading(): void {}
