import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ReachedDocker } from './engine.ts';
import type { EngineUpOptions } from '../../runtime/hosts/engine/engine.ts';
import type { TestEngine } from './engine.ts';
import { sharedRoot, takeDown } from './engine.ts';
import { tempFolder } from './folder.ts';

const SCRIPT = resolve(import.meta.dirname, 'engine-elsewhere.ts');

/** A Docker Engine whose loopback interface is not ours: it has a network namespace of its own, as if on another machine. */
export async function engineElsewhere(
  options: Pick<EngineUpOptions, 'imageStore'> = {},
): Promise<Pick<TestEngine, 'docker' | 'dockerHost'> & AsyncDisposable> {
  const folder = await tempFolder('own');
  const argv = [process.execPath, SCRIPT, folder.path, await sharedRoot(), options.imageStore ?? ''];
  const child = spawn('unshare', ['--net', ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolved) => child.once('close', resolved));
  const [path, code] = await Promise.all([text(child.stdout), ended]);
  if (code !== 0) throw new Error(`the engine did not start: exit code ${code}`);
  const docker: ReachedDocker = { kind: 'docker-unix', path: path.trim() };
  return {
    docker,
    dockerHost: `unix://${docker.path}`,
    [Symbol.asyncDispose]: async () => {
      await takeDown(folder.path);
      await folder[Symbol.asyncDispose]();
    },
  };
}
