import type { RegistryOptions, RunningRegistry } from '../../runtime/hosts/engine/registry.ts';
import { startRegistry, stopRegistry } from '../../runtime/hosts/engine/registry.ts';
import { must, sharedRoot } from './engine.ts';
import { tempFolder } from './folder.ts';

/** A real registry on the loopback interface that goes away with its scope, images and all. */
export interface TestRegistry extends RunningRegistry, AsyncDisposable {
  /** Where it keeps what it has. */
  readonly folder: string;
  /** Ends it at once and keeps its images; {@link TestRegistry.start} brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts Debian's docker-registry: open, or with an account, over http or https. */
export async function testRegistry(options: Pick<RegistryOptions, 'account' | 'tls'> = {}): Promise<TestRegistry> {
  const folder = await tempFolder('registry');
  const common = { ...options, root: await sharedRoot(), folder: folder.path };
  const running = must(await startRegistry({ ...common, signal: AbortSignal.timeout(60_000) }));
  const port = Number(running.host.slice(running.host.indexOf(':') + 1));
  const stop = async (): Promise<void> => {
    await stopRegistry(folder.path, { signal: AbortSignal.timeout(10_000) });
  };
  return {
    ...running,
    folder: folder.path,
    stop,
    start: async () => void must(await startRegistry({ ...common, port, signal: AbortSignal.timeout(60_000) })),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
