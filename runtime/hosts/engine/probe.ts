import type { DockerPing } from '../../docker/api.ts';
import { DockerEngine } from '../../docker/engine.ts';
import { DockerError } from '../../docker/http.ts';

const PING_MS = 2_000;

/**
 * What the sandboxed engine on a socket says of itself; undefined when none answers.
 * @throws the signal's reason when it is aborted
 */
export async function pingSandbox(socket: string, signal: AbortSignal): Promise<DockerPing | undefined> {
  using engine = new DockerEngine({ kind: 'docker-unix', path: socket });
  try {
    return await engine.ping({ signal, timeoutMs: PING_MS });
  } catch (error) {
    if (error instanceof DockerError) return undefined;
    throw error;
  }
}
