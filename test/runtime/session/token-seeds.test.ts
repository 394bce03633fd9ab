import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { TokenSeeds } from '../../../runtime/session/token-seeds.ts';
import { tempFolder } from '../../rig/folder.ts';

const MODULE = new URL('../../../runtime/session/token-seeds.ts', import.meta.url).href;
const AT_ONCE = 6;

/** A program of its own that waits for a line, and then writes down the seeds that it has for hosts. */
function program(
  file: string,
  hosts: readonly string[],
): { go: () => void; readonly ready: Promise<unknown>; seeds: Promise<string> } {
  const source = `
    import { once } from 'node:events';
    import { TokenSeeds } from ${JSON.stringify(MODULE)};
    process.stderr.write('ready');
    await once(process.stdin, 'data');
    const seeds = new TokenSeeds(${JSON.stringify(file)});
    for (const host of ${JSON.stringify(hosts)}) console.log(host, (await seeds.of(host)).toString('hex'));
    process.exit();
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source]);
  return { go: () => child.stdin.end('go\n'), ready: once(child.stderr, 'data'), seeds: text(child.stdout) };
}

test('programs that start at once agree on the seed of each registry, and none forgets that of another', async () => {
  await using folder = await tempFolder('seeds');
  const file = path.join(folder.path, '.token_seed');
  const hosts = ['a.example', 'b.example', 'c.example'];
  const programs = Array.from({ length: AT_ONCE }, (_, at) =>
    program(file, [...hosts.slice(at % 3), ...hosts.slice(0, at % 3)]),
  );
  await Promise.all(programs.map(({ ready }) => ready));
  for (const { go } of programs) go();
  const said = await Promise.all(programs.map(async ({ seeds }) => (await seeds).trim().split('\n').sort()));
  const kept = Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, { readonly Seed: string }>);
  const lines = kept.map(([host, { Seed }]) => `${host} ${Buffer.from(Seed, 'base64').toString('hex')}`).sort();
  expect(lines).toHaveLength(hosts.length);
  expect(said).toEqual(programs.map(() => lines));
});

test('a seed that docker is just making is waited for', async () => {
  await using folder = await tempFolder('seeds');
  const file = path.join(folder.path, '.token_seed');
  const seed = Buffer.from('sixteen bytes !!');
  const json = JSON.stringify({ 'a.example': { Seed: seed.toString('base64') } });
  const write = `echo; sleep 0.5; printf %s '${json}' > ${file}`;
  const docker = spawn('flock', [`${file}.lock`, 'sh', '-c', write], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(docker.stdout, 'data');
  expect(await new TokenSeeds(file).of('a.example')).toEqual(seed);
});

test('what cannot be read is left as it is', async () => {
  await using folder = await tempFolder('seeds');
  const file = path.join(folder.path, '.token_seed');
  await symlink('.token_seed', file);
  const seeds = new TokenSeeds(file);
  const seed = await seeds.of('a.example');
  expect(await readlink(file)).toBe('.token_seed');
  expect(await seeds.of('a.example')).toEqual(seed);
});

test('a link to the file stays one, and what is no JSON is replaced', async () => {
  await using folder = await tempFolder('seeds');
  const file = path.join(folder.path, '.token_seed');
  await writeFile(path.join(folder.path, 'kept'), '{"a.example": {"Se');
  await symlink('kept', file);
  const seed = await new TokenSeeds(file).of('a.example');
  expect(await readlink(file)).toBe('kept');
  expect(await new TokenSeeds(file).of('a.example')).toEqual(seed);
  expect((await stat(path.join(folder.path, 'kept'))).mode & 0o777).toBe(0o600);
});

test('a machine without flock keeps its seeds all the same', async () => {
  await using folder = await tempFolder('seeds');
  vi.stubEnv('PATH', folder.path);
  try {
    const file = path.join(folder.path, 'config', '.token_seed');
    const seed = await new TokenSeeds(file).of('a.example');
    expect(await new TokenSeeds(file).of('a.example')).toEqual(seed);
  } finally {
    vi.unstubAllEnvs();
  }
});
