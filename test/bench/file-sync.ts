import { spawn } from 'node:child_process';
import { cp, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ownEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox } from '../rig/image.ts';
import { peers } from '../rig/peers.ts';
import type { Contender } from './paired.ts';
import { median, table } from './paired.ts';

/**
 * How long a context takes to the daemon: 20,000 files of 160 MB in all, the same again unchanged, and one file of 2 GB;
 * against `docker buildx build` on the same engine, in turns. A step only binds the context, so that nothing is copied behind
 * the transfer. Also the most memory that depot takes for the large file.
 */
const PROGRAM = resolve(import.meta.dirname, '../../cli/depot');
const ROUNDS = 5;
const MANY = 20_000;
const MANY_BYTES = 8_000;
const LARGE_BYTES = 2 * 1024 ** 3;
const BLOCK_BYTES = 4 * 1024 ** 2;
const POLL_MS = 50;

await using engine = await ownEngine();
await using programs = await peers({ dockerHost: engine.dockerHost });
await using folder = await tempFolder('file-sync');
const env = { DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: programs.config, HOME: process.env['HOME'] ?? '/root' };
const words = ['build', '--progress=rawjson', '--output=type=cacheonly', '.'];
const contenders: readonly Contender[] = [
  { name: 'depot', argv: [PROGRAM, ...words], env },
  { name: 'buildx', argv: [...programs.argv('buildx'), ...words], env },
];

interface Sent {
  readonly wallMs: number;
  /** From the first to the last moment of the step that loads the context. */
  readonly sendMs: number;
  readonly memoryMb: number;
}

async function send({ name, argv: [program, ...args], env: own }: Contender, cwd: string): Promise<Sent> {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...own },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let memoryKb = 0;
  const poll = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (text) => void (memoryKb = Math.max(memoryKb, Number(/VmHWM:\s*(\d+)/.exec(text)?.[1] ?? 0))),
      () => undefined,
    );
  }, POLL_MS);
  const ended = Promise.withResolvers<number | null>();
  child.once('error', ended.reject);
  child.once('close', ended.resolve);
  const code = await ended.promise;
  clearInterval(poll);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}:\n${said}`);
  return { wallMs: performance.now() - started, sendMs: loadTime(said), memoryMb: memoryKb / 1024 };
}

function loadTime(progress: string): number {
  const vertexes = progress
    .trim()
    .split('\n')
    .flatMap((line) => (JSON.parse(line) as { readonly vertexes?: readonly Vertex[] }).vertexes ?? [])
    .filter((one) => one.name.endsWith('load build context'));
  const from = vertexes.flatMap(({ started }) => (started === undefined ? [] : [Date.parse(started)]));
  const to = vertexes.flatMap(({ completed }) => (completed === undefined ? [] : [Date.parse(completed)]));
  return Math.max(...to) - Math.min(...from);
}

interface Vertex {
  readonly name: string;
  readonly started?: string;
  readonly completed?: string;
}

/** Runs both in turns; gives how many times as long depot took to send, and the most memory it took in MB. */
async function paired(
  what: string,
  cwd: string,
  before: () => Promise<unknown>,
  rounds = ROUNDS,
): Promise<{ readonly ratio: number; readonly memoryMb: number }> {
  const sent = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  const walls = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  let memoryMb = 0;
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      await before();
      const one = await send(contender, cwd);
      sent.get(contender.name)?.push(one.sendMs);
      walls.get(contender.name)?.push(one.wallMs);
      if (contender.name === 'depot') memoryMb = Math.max(memoryMb, one.memoryMb);
    }
  }
  const ratio = median(sent.get('depot') ?? []) / median(sent.get('buildx') ?? []);
  const wall = median(walls.get('depot') ?? []) / median(walls.get('buildx') ?? []);
  console.log(`${what}: the step that loads the context\n${table(sent)}\nthe whole build\n${table(walls)}`);
  console.log(
    `ratio ${ratio.toFixed(2)} (whole build ${wall.toFixed(2)}); depot took up to ${memoryMb.toFixed(0)} MB\n`,
  );
  return { ratio, memoryMb };
}

async function context(name: string): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(path);
  await cp(join(await busybox(), process.arch === 'arm64' ? 'arm64' : 'amd64', 'busybox'), join(path, 'busybox'));
  await writeFile(
    join(path, 'Dockerfile'),
    `FROM scratch\nRUN --mount=type=bind,target=/context ["/context/busybox", "echo", "${name}"]\n`,
  );
  return path;
}

const many = await context('many');
for (let at = 0; at < MANY; at++) {
  const dir = join(many, `dir-${Math.floor(at / 200)}`);
  if (at % 200 === 0) await mkdir(dir);
  await writeFile(join(dir, `file-${at}`), `${at} `.padEnd(MANY_BYTES, String(at)));
}
const large = await context('large');
{
  await using file = await open(join(large, 'large'), 'w');
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; at < LARGE_BYTES; at += BLOCK_BYTES) {
    block.fill(`${at} `);
    await file.write(block);
  }
}

const forget = (): Promise<unknown> => programs.run('buildx', ['prune', '--all', '--force']);
const first = await paired('20,000 files, first send', many, forget);
await paired('20,000 files, to fill the caches', many, async () => undefined, 1);
const again = await paired('20,000 files, unchanged', many, async () => undefined);
const big = await paired('a file of 2 GB', large, forget, 3);
const figures = [first, again, big].map(({ ratio }) => ratio.toFixed(2));
console.log(`file-sync: ${figures.join(' ')} ${big.memoryMb.toFixed(0)}MB`);
