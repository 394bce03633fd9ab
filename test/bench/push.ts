import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import { fail, ok } from '../../planner/result.ts';
import { must, ownEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { peers } from '../rig/peers.ts';
import { testRegistry } from '../rig/registry.ts';
import type { Contender } from './paired.ts';
import { median, ratios, table, wallTime } from './paired.ts';

/**
 * `depot build --push` of one layer of 150 MB, built and compressed before: to four registries against one, and against `docker buildx
 * build --push` to the same four.
 */
const PROGRAM = resolve(import.meta.dirname, '../../cli/depot');
const ROUNDS = 5;
const LAYER_BYTES = 150_000_000;

await using engine = await ownEngine();
await using pipe = await remoteBuildkit(engine.docker);
await using first = await testRegistry();
await using second = await testRegistry();
await using third = await testRegistry();
await using fourth = await testRegistry();
await using folder = await tempFolder('push');
const context = join(folder.path, 'context');
await mkdir(context);
await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY layer /layer\n');

const env = { BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost, HOME: process.env['HOME'] ?? '/root' };
const words = ['--progress=quiet', context];
const hosts = [first, second, third, fourth].map(({ host }) => host);
const pushTo = (name: string, round: number, targets: readonly string[]): Contender => ({
  name,
  argv: [PROGRAM, 'build', '--push', ...targets.flatMap((host) => ['-t', `${host}/${name}-${round}:1`]), ...words],
  env,
});
const compress: Contender = {
  name: 'build',
  argv: [PROGRAM, 'build', '-o', `type=oci,dest=${join(folder.path, 'archive.tar')}`, ...words],
  env,
};

await using programs = await peers({ dockerHost: engine.dockerHost });
const made = await programs.run('buildx', ['create', '--name=bench', '--driver=remote', pipe.address]);
must(
  made.exitCode === 0 ? ok(undefined) : fail({ reason: 'engine-failed', step: 'buildx create', cause: made.stderr }),
);
const buildx = {
  DOCKER_HOST: engine.dockerHost,
  DOCKER_CONFIG: programs.config,
  BUILDX_BUILDER: 'bench',
  HOME: env.HOME,
};

const NAMES = ['one', 'four', 'buildx-four'] as const;
const times = new Map<string, number[]>(NAMES.map((name) => [name, []]));
const busy = new Map<string, number[]>(NAMES.map((name) => [name, []]));

/** What all processors of the machine have worked, in milliseconds: builder, registries and client are all here. */
function busyMs(): number {
  return os.cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}

for (let round = 0; round < ROUNDS; round++) {
  for (const name of round % 2 === 0 ? NAMES : NAMES.toReversed()) {
    // What is there already is not sent, so each has a layer of its own.
    await writeFile(join(context, 'layer'), randomBytes(LAYER_BYTES));
    await wallTime(compress, folder.path);
    const contender = pushTo(name, round, name === 'one' ? hosts.slice(0, 1) : hosts);
    const [, ...args] = contender.argv;
    const run =
      name === 'buildx-four' ? { name, argv: [...programs.argv('buildx'), ...args] as const, env: buildx } : contender;
    const before = busyMs();
    times.get(name)?.push(await wallTime(run, folder.path));
    busy.get(name)?.push(busyMs() - before);
  }
}
console.log(`150 MB to one registry, and to four:\n${table(times)}\n`);
console.log(`what the ${os.cpus().length} processors worked for it:\n${table(busy)}\n`);
console.log(`to four, against docker buildx: ${median(ratios(times, 'four', 'buildx-four')).toFixed(2)}`);
console.log(`push: ${median(ratios(times, 'four', 'one')).toFixed(2)}`);
