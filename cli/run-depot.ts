import { spawn } from 'node:child_process';
import path from 'node:path';

const LAUNCHER = path.resolve(import.meta.dirname, 'depot.mjs');

/** Runs the program as its user would, its output shown; gives its exit code. For scripts of a checkout. */
export function runDepot(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd, env, stdio: 'inherit' });
  child.once('error', reject);
  child.once('close', (code) => resolve(code ?? 1));
  return promise;
}

/** Says why a script ends here, and lets it end so. */
export function stop(why: string): void {
  process.stderr.write(`ERROR: ${why}\n`);
  process.exitCode = 1;
}
