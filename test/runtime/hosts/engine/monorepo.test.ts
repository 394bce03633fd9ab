import { beforeAll, expect, test } from 'vitest';
import { sharedEngine } from '../../../rig/engine.ts';
import { busybox } from '../../../rig/image.ts';
import { peers } from '../../../rig/peers.ts';
import { testRegistry } from '../../../rig/registry.ts';

// Setting it up on a new machine takes a minute, which no test's own time allows for.
beforeAll(async () => void (await sharedEngine()));

const MONOREPO = new URL('../../../../fixtures/monorepo', import.meta.url).pathname;

/** Every image of the fixture; the toolchain and the assets stay inside of the build. */
const IMAGES = ['api', 'base', 'cli', 'cli-full', 'cli-slim', 'mailer', 'scheduler', 'web', 'worker'];

test('the real buildx plans the monorepo without an engine and without busybox at hand', async () => {
  await using buildx = await peers();
  const printed = await buildx.run('buildx', ['bake', '--print'], { cwd: MONOREPO });
  expect(printed.exitCode, printed.stderr).toBe(0);
  const { target } = JSON.parse(printed.stdout) as {
    readonly target: Readonly<Record<string, { readonly platforms: readonly string[] }>>;
  };
  expect(Object.keys(target).toSorted()).toEqual([
    'assets',
    'base',
    'cli-full',
    'cli-slim',
    'service-api',
    'service-mailer',
    'service-scheduler',
    'service-worker',
    'toolchain',
    'web',
  ]);
  for (const { platforms } of Object.values(target)) expect(platforms).toEqual(['linux/amd64', 'linux/arm64']);
});

test('the real buildx builds it for both platforms, pushes it to two registries, and what it loads runs', async () => {
  const engine = await sharedEngine();
  await using buildx = await peers(engine);
  await using a = await testRegistry();
  await using b = await testRegistry();
  const env = { REGISTRY_A: a.host, REGISTRY_B: b.host, BUSYBOX: await busybox() };
  const allow = `--allow=fs.read=${env.BUSYBOX}`;
  const pushed = await buildx.run('buildx', ['bake', allow, '--push', '--progress=plain'], { cwd: MONOREPO, env });
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  for (const { url } of [a, b]) {
    const { repositories } = await json<{ readonly repositories: readonly string[] }>(`${url}/v2/_catalog`);
    expect(repositories).toEqual(IMAGES.map((image) => `monorepo/${image}`));
    for (const image of IMAGES)
      expect(await platforms(`${url}/v2/monorepo/${image}/manifests/1.0.0`)).toEqual(['amd64', 'arm64']);
  }

  const loaded = await buildx.run('buildx', ['bake', allow, '--load', '--progress=plain', 'service-worker'], {
    cwd: MONOREPO,
    env,
  });
  expect(loaded.exitCode, loaded.stderr).toBe(0);
  const worker = `${a.host}/monorepo/worker:1.0.0`;
  const ran = await buildx.run('docker', ['run', '--rm', worker, 'sum', '20', '22']);
  expect(ran).toEqual({ exitCode: 0, stdout: '42\n', stderr: '' });
  const about = await buildx.run('docker', ['run', '--rm', '--platform', 'linux/arm64', worker]);
  expect(about.stdout).toBe('worker 1.0.0 on aarch64\n');
}, 180_000);

const MANIFEST_TYPES =
  'application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json';

async function platforms(url: string): Promise<readonly string[]> {
  const index = await json<{ readonly manifests: readonly { readonly platform: { readonly architecture: string } }[] }>(
    url,
  );
  const all = index.manifests.map(({ platform }) => platform.architecture);
  // Attestations are manifests as well, of no architecture.
  return all.filter((architecture) => architecture !== 'unknown').toSorted();
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url, { headers: { Accept: MANIFEST_TYPES } });
  expect(response.status, url).toBe(200);
  return (await response.json()) as T;
}
