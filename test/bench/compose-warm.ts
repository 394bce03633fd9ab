import path from 'node:path';
import { ownEngine, sharedRoot } from '../rig/engine.ts';
import { peers } from '../rig/peers.ts';
import type { Contender } from './paired.ts';
import { inTurns, median, ratios, table } from './paired.ts';

/**
 * `depot compose build` of fixtures/compose-shop in which nothing changed, against `docker compose build` 2.40.3 (with
 * buildx 0.29.1) on the same engine, in turns.
 */
const ROUNDS = 15;
const SHOP = path.resolve(import.meta.dirname, '../../fixtures/compose-shop');
const LAUNCHER = path.resolve(import.meta.dirname, '../../cli/depot.mjs');

await using engine = await ownEngine();
await using programs = await peers({ dockerHost: engine.dockerHost });
const env = {
  DOCKER_HOST: engine.dockerHost,
  DOCKER_CONFIG: programs.config,
  BUSYBOX: path.join(await sharedRoot(), 'srv', 'busybox'),
  HOME: process.env['HOME'] ?? '/root',
};
const both: readonly Contender[] = [
  { name: 'depot', argv: [process.execPath, LAUNCHER, 'compose', '--progress=quiet', 'build'], env },
  { name: 'compose', argv: [...programs.argv('compose'), '--progress=quiet', 'build'], env },
];
await inTurns(both, { rounds: 2, cwd: SHOP });
const times = await inTurns(both, { rounds: ROUNDS, cwd: SHOP });
console.log(`warm, nothing changed, in turns\n${table(times)}\n`);
console.log(`median of the ratios of each round ${median(ratios(times, 'depot', 'compose')).toFixed(2)}`);
console.log(`compose-warm: ${(median(times.get('depot') ?? []) / median(times.get('compose') ?? [])).toFixed(2)}`);
