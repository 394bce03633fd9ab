import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import { ownEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { testRegistry } from '../rig/registry.ts';
import type { Contender } from './paired.ts';
import { median, ratios, table, wallTime } from './paired.ts';

/**
 * One layer of 150 MB, built and compressed before, to four registries against one; and to four of which one is dead, where the time
 * is that until the other three have it.
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

const times = new Map<string, number[]>([
  ['one', []],
  ['four', []],
]);
for (let round = 0; round < ROUNDS; round++) {
  for (const name of round % 2 === 0 ? ['one', 'four'] : ['four', 'one']) {
    // What is there already is not sent, so each has a layer of its own.
    await writeFile(join(context, 'layer'), randomBytes(LAYER_BYTES));
    await wallTime(compress, folder.path);
    const contender = pushTo(name, round, name === 'one' ? hosts.slice(0, 1) : hosts);
    times.get(name)?.push(await wallTime(contender, folder.path));
  }
}
console.log(`150 MB to one registry, and to four:\n${table(times)}\n`);
console.log(`push: ${median(ratios(times, 'four', 'one')).toFixed(2)}`);
