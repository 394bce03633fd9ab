import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { remoteBuildkit, remoteDocker } from '../rig/byte-pipe.ts';
import { engineElsewhere } from '../rig/elsewhere.ts';
import { ownEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { relayFolder } from '../rig/relay-image.ts';
import type { Contender, Times } from './paired.ts';
import { median, ratios, table, wallTime } from './paired.ts';

/**
 * `depot build --load` into a Docker Engine in a network namespace of its own, over tcp and through the helper container, against
 * the same into one that pulls from here: an image of 300 MB that the engine does not have, and one of which a few bytes
 * changed.
 */
const PROGRAM = resolve(import.meta.dirname, '../../cli/depot');
const ROUNDS = 5;
const LARGE_BYTES = 300_000_000;
const SMALL_BYTES = 1_000;

await using builder = await ownEngine();
await using here = await ownEngine();
await using elsewhere = await engineElsewhere();
await using pipe = await remoteBuildkit(builder.docker);
// Not 127.0.0.1, which would be taken for an engine on this machine.
await using docker = await remoteDocker(elsewhere.docker, { host: '127.0.0.2' });
await using relay = await relayFolder(builder);
await using folder = await tempFolder('load');
const context = join(folder.path, 'context');
await mkdir(context);
await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY large /large\nCOPY small /small\n');

const words = ['--progress=quiet', '--provenance=false', context];
const env = { BUILDKIT_HOST: pipe.address, DEPOT_RELAY_IMAGE: relay.path, HOME: process.env['HOME'] ?? '/root' };
const argv: Contender['argv'] = [PROGRAM, 'build', '--load', '-t', 'bench/load:1', ...words];
const contenders: readonly Contender[] = [
  { name: 'helper', argv, env: { ...env, DOCKER_HOST: docker.address } },
  { name: 'direct', argv, env: { ...env, DOCKER_HOST: here.dockerHost } },
];
const archive = `type=oci,dest=${join(folder.path, 'archive.tar')}`;
const compress: Contender = { name: 'build', argv: [PROGRAM, 'build', '-o', archive, ...words], env };

/** Loads what `change` made, already built and compressed, in turns. */
async function rounds(change: () => Promise<void>): Promise<Times> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    await change();
    await wallTime(compress, folder.path);
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      times.get(contender.name)?.push(await wallTime(contender, folder.path));
    }
  }
  return times;
}

const changeSmall = (): Promise<void> => writeFile(join(context, 'small'), randomBytes(SMALL_BYTES));
const first = await rounds(async () => {
  await changeSmall();
  await writeFile(join(context, 'large'), randomBytes(LARGE_BYTES));
});
const again = await rounds(changeSmall);
for (const [name, times] of Object.entries({ 'all of it is new': first, 'a few bytes changed': again })) {
  console.log(`${name}\n${table(times)}\n`);
}
const ratio = (times: Times): string => median(ratios(times, 'helper', 'direct')).toFixed(2);
console.log(`load-elsewhere: ${ratio(first)} ${ratio(again)}`);
