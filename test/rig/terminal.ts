import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const LAUNCHER = resolve(import.meta.dirname, '../../cli/depot.mjs');

/** How a run of depot on a terminal ended, with all that was to be seen there. */
export interface TerminalRun {
  readonly exitCode: number | null;
  readonly shown: string;
}

/** The real program on a terminal of its own (`script` of util-linux). Each text of `says` is typed when the screen ends with its first half. */
export async function depotOnTerminal(
  args: readonly string[],
  {
    cwd,
    env,
    says,
  }: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly says: readonly (readonly [when: RegExp, typed: string])[];
  },
): Promise<TerminalRun> {
  const command = [process.execPath, LAUNCHER, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = [...says];
  let shown = '';
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const [next] = waiting;
    if (next === undefined || !next[0].test(shown.slice(seen))) return;
    waiting.shift();
    seen = shown.length;
    child.stdin.write(next[1]);
  });
  const exitCode = await new Promise<number | null>((ended) => child.once('close', ended));
  return { exitCode, shown: shown.replaceAll('\r', '') };
}
