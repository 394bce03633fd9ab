import { execFileSync } from 'node:child_process';
import { engineUp } from '../../runtime/hosts/engine/engine.ts';
import { must } from './engine.ts';

/** Run in a network namespace of its own: starts an engine there, which stays, and says where its socket is. */
const [, , dataDir = '', root = '', imageStore = ''] = process.argv;
execFileSync('chroot', [root, 'ip', 'link', 'set', 'lo', 'up']);
const engine = must(
  await engineUp({
    dataDir,
    root,
    env: process.env,
    report: () => undefined,
    sandboxOnly: true,
    ...(imageStore === 'classic' ? { imageStore } : {}),
    signal: AbortSignal.timeout(300_000),
  }),
);
process.stdout.write(engine.docker?.kind === 'docker-unix' ? engine.docker.path : '');
