import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ownEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { peers } from '../rig/peers.ts';
import { inTurns, median, ratios, table } from './paired.ts';

/**
 * `depot build .` in which nothing changed, against `docker buildx build .` on the same engine, in turns; and against the plugin
 * alone, without docker in front of it.
 */
const PROGRAM = resolve(import.meta.dirname, '../../cli/depot');
const ROUNDS = 25;
const FILES = 300;

await using engine = await ownEngine();
await using programs = await peers({ dockerHost: engine.dockerHost });
await using folder = await tempFolder('build-warm');
await writeFile(
  join(folder.path, 'Dockerfile'),
  'FROM scratch AS one\nCOPY src /src\nFROM scratch\nCOPY --from=one /src/0 /first\nCOPY . /all\nLABEL of=bench\n',
);
await mkdir(join(folder.path, 'src'));
for (let at = 0; at < FILES; at++) await writeFile(join(folder.path, 'src', `${at}`), `file ${at}\n`.repeat(100));

const env = { DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: programs.config, HOME: process.env['HOME'] ?? '/root' };
const words = ['build', '-t', 'bench/build-warm:1', '--progress=quiet', '.'];
const contenders = [
  { name: 'depot', argv: [PROGRAM, ...words] as const, env },
  { name: 'docker', argv: [...programs.argv('docker'), 'buildx', ...words] as const, env },
  { name: 'plugin', argv: [...programs.argv('buildx'), ...words] as const, env },
];
await inTurns(contenders, { rounds: 2, cwd: folder.path });
const times = await inTurns(contenders, { rounds: ROUNDS, cwd: folder.path });
console.log(`warm, nothing changed, in turns\n${table(times)}\n`);
const toPlugin = median(ratios(times, 'depot', 'plugin'));
console.log(`median of the ratios of each round ${median(ratios(times, 'depot', 'docker')).toFixed(2)}`);
console.log(`to the plugin alone ${toPlugin.toFixed(2)}`);
console.log(`build-warm: ${(median(times.get('depot') ?? []) / median(times.get('docker') ?? [])).toFixed(2)}`);
