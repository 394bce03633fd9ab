import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ownEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import { must } from '../rig/engine.ts';
import { fail, ok } from '../../planner/result.ts';
import { peers } from '../rig/peers.ts';
import type { Contender, Times } from './paired.ts';
import { median, ratios, table, wallTime } from './paired.ts';

/**
 * `depot build --load` from a BuildKit of its own, against `docker buildx build --load` with the remote driver: an image of 300 MB
 * that the local Docker does not have, and one of which a few bytes changed. Each loads into a Docker of its own.
 */
const PROGRAM = resolve(import.meta.dirname, '../../cli/depot');
const ROUNDS = 5;
const LARGE_BYTES = 300_000_000;
const SMALL_BYTES = 1_000;

await using builder = await ownEngine();
await using ours = await ownEngine();
await using theirs = await ownEngine();
await using pipe = await remoteBuildkit(builder.docker);
await using programs = await peers({ dockerHost: theirs.dockerHost });
await using folder = await tempFolder('load');
const context = join(folder.path, 'context');
await mkdir(context);
await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY large /large\nCOPY small /small\n');
const made = await programs.run('buildx', ['create', '--name=bench', '--driver=remote', pipe.address]);
must(
  made.exitCode === 0 ? ok(undefined) : fail({ reason: 'engine-failed', step: 'buildx create', cause: made.stderr }),
);

const HOME = process.env['HOME'] ?? '/root';
const words = ['--progress=quiet', '--provenance=false', context];
const depot = { BUILDKIT_HOST: pipe.address, DOCKER_HOST: ours.dockerHost, HOME };
const buildx = { DOCKER_HOST: theirs.dockerHost, DOCKER_CONFIG: programs.config, BUILDX_BUILDER: 'bench', HOME };
const load = ['build', '--load', '-t', 'bench/load:1', ...words];
const contenders: readonly Contender[] = [
  { name: 'depot', argv: [PROGRAM, ...load], env: depot },
  { name: 'buildx', argv: [...programs.argv('buildx'), ...load], env: buildx },
];
const archive = `type=oci,dest=${join(folder.path, 'archive.tar')}`;
const compress: Contender = { name: 'build', argv: [PROGRAM, 'build', '-o', archive, ...words], env: depot };

/** Loads what `change` made, already built and compressed, in turns. */
async function rounds(change: () => Promise<void>): Promise<{ readonly times: Times; readonly bytes: number }> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await change();
    await wallTime(compress, folder.path);
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      const before = pipe.sentBytes();
      times.get(contender.name)?.push(await wallTime(contender, folder.path));
      if (contender.name === 'depot') bytes = pipe.sentBytes() - before;
    }
  }
  return { times, bytes };
}

const changeSmall = (): Promise<void> => writeFile(join(context, 'small'), randomBytes(SMALL_BYTES));
const first = await rounds(async () => {
  await changeSmall();
  await writeFile(join(context, 'large'), randomBytes(LARGE_BYTES));
});
const again = await rounds(changeSmall);
for (const [name, { times, bytes }] of Object.entries({ 'all of it is new': first, 'a few bytes changed': again })) {
  console.log(
    `${name}: the builder sent depot ${bytes} bytes, contents of contexts and progress included\n${table(times)}\n`,
  );
}
const ratio = ({ times }: { readonly times: Times }): string => median(ratios(times, 'depot', 'buildx')).toFixed(2);
console.log(`load: ${ratio(first)} ${ratio(again)}`);
