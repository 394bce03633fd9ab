import path from 'node:path';
import { dockerOf, ownEngine, sharedRoot } from '../rig/engine.ts';
import { peers } from '../rig/peers.ts';
import { inTurns, median, ratios, table, wallTime } from './paired.ts';

/**
 * A bake of fixtures/monorepo in which nothing changed, against `docker buildx bake` 0.29.1 on the same engine, in turns;
 * before it, the first build of each on an empty engine.
 */
const ROUNDS = 15;
const MONOREPO = path.resolve(import.meta.dirname, '../../fixtures/monorepo');
const LAUNCHER = path.resolve(import.meta.dirname, '../../cli/depot.mjs');

const busybox = path.join(await sharedRoot(), 'srv', 'busybox');
const args = ['bake', `--allow=fs.read=${busybox}`, '--progress=quiet'];

async function contenders(
  dockerHost: string,
): Promise<{ readonly all: readonly [Contender, Contender] } & AsyncDisposable> {
  const programs = await peers({ dockerHost });
  const env = {
    DOCKER_HOST: dockerHost,
    DOCKER_CONFIG: programs.config,
    BUSYBOX: busybox,
    HOME: process.env['HOME'] ?? '/root',
  };
  return {
    all: [
      { name: 'depot', argv: [process.execPath, LAUNCHER, ...args], env },
      { name: 'buildx', argv: [...programs.argv('buildx'), ...args], env },
    ],
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };
}
type Contender = Parameters<typeof wallTime>[0];

const cold = new Map<string, number[]>();
for (const at of [0, 1] as const) {
  await using engine = await ownEngine();
  await using both = await contenders(engine.dockerHost);
  using docker = dockerOf(engine);
  await docker.info({ signal: AbortSignal.timeout(10_000) });
  cold.set(both.all[at].name, [await wallTime(both.all[at], MONOREPO)]);
}
console.log(`cold, each on an empty engine\n${table(cold)}\n`);

await using engine = await ownEngine();
await using both = await contenders(engine.dockerHost);
await inTurns(both.all, { rounds: 2, cwd: MONOREPO });
const times = await inTurns(both.all, { rounds: ROUNDS, cwd: MONOREPO });
console.log(`warm, nothing changed, in turns\n${table(times)}\n`);
console.log(`median of the ratios of each round ${median(ratios(times, 'depot', 'buildx')).toFixed(2)}`);
console.log(`bake-warm: ${(median(times.get('depot') ?? []) / median(times.get('buildx') ?? [])).toFixed(2)}`);
