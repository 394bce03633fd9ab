import path from 'node:path';
import { DockerEngine } from '../runtime/docker/engine.ts';
import { engineDown, engineRoot, engineUp } from '../runtime/hosts/engine/engine.ts';
import { startRegistry, stopRegistry } from '../runtime/hosts/engine/registry.ts';
import { dataDir } from './config.ts';
import { failureText } from './print/failure.ts';
import { runDepot, stop } from './run-depot.ts';
import type { Result } from '../planner/result.ts';
import type { RuntimeFailure } from '../runtime/failure.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const MONOREPO = path.join(ROOT, 'fixtures', 'monorepo');
const VERSION = '1.0.0';
/** The image of the monorepo that is run at the end, to show that it is really there. */
const SHOWN_IMAGE = 'api';
const SET_UP_MS = 15 * 60_000;

/**
 * The main job on a bare machine, as `npm run demo`: an engine, two registries, a bake of fixtures/monorepo for two
 * platforms, pushed to both and loaded, one image run, and what is in the registries.
 */
async function demo(): Promise<void> {
  const signal = AbortSignal.timeout(SET_UP_MS);
  const options = { dataDir: dataDir(process.env), env: process.env, report: say, signal };
  heading('1. An engine');
  const engine = must(await engineUp(options));
  const root = must(await engineRoot(options));
  const { docker } = engine;
  if (docker === undefined) return stop(`${engine.name} has no Docker beside it to load images into`);

  heading('2. Two registries');
  const registries = await Promise.all(
    registryFolders().map(async (folder) => must(await startRegistry({ root, folder, detached: true, signal }))),
  );
  const [a, b] = registries.map(({ host }) => host);
  if (a === undefined || b === undefined) return stop('a registry did not start');
  print(`${a} and ${b}`);

  heading('3. A bake of fixtures/monorepo: two platforms, pushed to both registries, loaded');
  const busybox = path.join(root, 'srv', 'busybox');
  const env = { ...process.env, REGISTRY_A: a, REGISTRY_B: b, BUSYBOX: busybox };
  const args = ['bake', '--push', '--load', `--allow=fs.read=${busybox}`];
  print(`$ cd fixtures/monorepo && REGISTRY_A=${a} REGISTRY_B=${b} BUSYBOX=${busybox} depot ${args.join(' ')}`);
  const code = await runDepot(args, { cwd: MONOREPO, env });
  if (code !== 0) return stop(`the bake ended with exit code ${code}`);

  heading('4. One of the images, run');
  const image = `${a}/monorepo/${SHOWN_IMAGE}:${VERSION}`;
  using api = new DockerEngine(docker);
  print(`$ docker run --rm ${image}`);
  const container = await api.createContainer({ image, tty: false }, { signal });
  try {
    await api.startContainer(container, { signal });
    const exit = await api.waitContainer(container, { signal });
    for await (const output of api.containerLogs(container, { signal })) process.stdout.write(output.data);
    if (exit !== 0) return stop(`it ended with exit code ${exit}`);
  } finally {
    await api.removeContainer(container, { signal });
  }

  heading('5. What is in the registries');
  for (const { host, url } of registries) await listRegistry(host, url, signal);

  heading('How to go on');
  print(`node cli/depot.mjs engine status      where the engine is
node cli/depot.mjs bake --print       in fixtures/monorepo: what would be built
npm run demo -- down                  stops the registries and the engine; run the demo again and everything is CACHED`);
}

/** Stops what the demo left running for its user to look at. Images and cache stay. */
async function down(): Promise<void> {
  const signal = AbortSignal.timeout(SET_UP_MS);
  const stopped = await Promise.all(registryFolders().map((folder) => stopRegistry(folder, { signal })));
  print(`Stopped ${stopped.filter(Boolean).length} registries.`);
  const engine = must(await engineDown({ dataDir: dataDir(process.env), report: say, signal }));
  if (engine.stopped.length === 0) print('No engine of ours was running.');
}

function registryFolders(): readonly string[] {
  return ['a', 'b'].map((name) => path.join(dataDir(process.env), 'demo', `registry-${name}`));
}

async function listRegistry(host: string, url: string, signal: AbortSignal): Promise<void> {
  const { request } = await import('undici');
  const catalog = await request(`${url}/v2/_catalog`, { signal });
  const { repositories } = (await catalog.body.json()) as { readonly repositories: readonly string[] };
  for (const repository of repositories) {
    const answer = await request(`${url}/v2/${repository}/tags/list`, { signal });
    const { tags } = (await answer.body.json()) as { readonly tags: readonly string[] };
    for (const tag of tags) {
      const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
      const manifest = await request(`${url}/v2/${repository}/manifests/${tag}`, { headers: { accept }, signal });
      const index = (await manifest.body.json()) as {
        readonly manifests?: readonly { readonly platform?: { readonly os: string; readonly architecture: string } }[];
      };
      const platforms = (index.manifests ?? []).flatMap(({ platform }) =>
        platform === undefined || platform.os === 'unknown' ? [] : [`${platform.os}/${platform.architecture}`],
      );
      print(`${host}/${repository}:${tag}  ${platforms.join(' ')}`);
    }
  }
}

function must<T>(result: Result<T, RuntimeFailure>): T {
  if (result.ok) return result.value;
  process.stderr.write(`${failureText(result.failure)}\n`);
  process.exit(1);
}

function heading(words: string): void {
  print(`\n== ${words}`);
}

function print(words: string): void {
  process.stdout.write(`${words}\n`);
}

function say({
  title,
  state,
  detail,
}: {
  readonly title: string;
  readonly state: string;
  readonly detail?: string;
}): void {
  if (state === 'running') print(`   ${detail ?? ''}`);
  else print(`=> ${title}${state === 'started' ? ' ...' : `: ${state}${detail === undefined ? '' : `: ${detail}`}`}`);
}

await (process.argv[2] === 'down' ? down() : demo());
