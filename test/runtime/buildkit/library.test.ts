import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../runtime/buildkit/library.ts';
import { BuildkitClient, fileSyncService, solve } from '../../../runtime/buildkit/library.ts';
import type { BundledDepot } from '../../rig/bundle.ts';
import { bundledDepot } from '../../rig/bundle.ts';
import { remoteBuildkit, remoteDocker } from '../../rig/byte-pipe.ts';
import { testCertificates } from '../../rig/certificates.ts';
import type { DepotRun } from '../../rig/depot.ts';
import type { TestEngine } from '../../rig/engine.ts';
import { sharedEngine } from '../../rig/engine.ts';
import { tempFolder } from '../../rig/folder.ts';
import { untar } from '../../rig/tar.ts';
import { tree } from '../../rig/tree.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const EXAMPLE = join(import.meta.dirname, 'example.ts');
const FACE = join(ROOT, 'runtime/buildkit/library.ts');
const TEST_MS = 120_000;

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** Runs the example as a program of its own, with the client from a file. */
async function example(library: string, args: readonly string[]): Promise<DepotRun> {
  await using folder = await tempFolder('example');
  const code = (await readFile(EXAMPLE, 'utf8')).replaceAll("'depot/buildkit'", JSON.stringify(library));
  await writeFile(join(folder.path, 'example.ts'), code);
  const run = promisify(execFile)(process.execPath, ['example.ts', ...args], { cwd: folder.path });
  return await run.then(
    (ended) => ({ ...ended, exitCode: 0 }),
    (error: DepotRun & { readonly code: number }) => ({ ...error, exitCode: error.code }),
  );
}

function socket(): string {
  if (engine.docker.kind === 'docker-unix') return engine.docker.path;
  throw new Error('the engine of the tests has no unix socket');
}

test('the README shows the example as it is', async () => {
  const readme = await readFile(join(ROOT, 'runtime/buildkit/README.md'), 'utf8');
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(await readFile(EXAMPLE, 'utf8'));
});

describe('the example, on a real engine,', () => {
  let bundle: BundledDepot;

  beforeAll(async () => {
    bundle = await bundledDepot();
    return () => bundle[Symbol.asyncDispose]();
  });

  test.each([
    ['with the sources', () => FACE],
    ['with the bundle that packages have', () => join(bundle.dist, 'buildkit.js')],
  ])(
    'builds an archive, %s',
    async (_with, library) => {
      const mark = `mark ${Math.random()}`;
      await using project = await tree({ Dockerfile: 'FROM scratch\nCOPY file /\n', file: mark });
      const archive = join(project.path, 'image.tar');
      const { stdout, stderr, exitCode } = await example(library(), [socket(), project.path, archive]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^it builds for linux\/amd64/);
      expect(stdout).toContain('DONE [1/1] COPY file /\n');
      expect(stdout).toMatch(/^its cache holds [1-9]\d* records$/m);
      const digest = /^built (sha256:[0-9a-f]{64})$/m.exec(stdout)?.[1];
      const index = JSON.parse(untar(await readFile(archive))['index.json'] ?? '') as {
        readonly manifests: readonly { readonly digest: string }[];
      };
      expect(index.manifests.map((manifest) => manifest.digest)).toEqual([digest]);
    },
    TEST_MS,
  );

  test('tells what cannot be built, and where it says so', async () => {
    await using project = await tree({ Dockerfile: 'FROM scratch\nCOPY nothing /\n' });
    const { stderr, exitCode } = await example(FACE, [socket(), project.path, join(project.path, 'image.tar')]);
    expect(stderr).toMatch(/^Dockerfile:2\n[^\n]*"\/nothing": not found\n$/);
    expect(exitCode).toBe(1);
  });

  test('tells of an engine that is not there', async () => {
    const { stderr, exitCode } = await example(FACE, ['/nowhere/docker.sock']);
    expect(stderr).toContain('connect ENOENT /nowhere/docker.sock');
    expect(exitCode).toBe(1);
  });
});

describe('the client builds on', () => {
  const address = (text: string): { readonly host: string; readonly port: number } => {
    const { hostname, port } = new URL(text);
    return { host: hostname, port: Number(port) };
  };

  async function expectToBuildOn(endpoint: Endpoint): Promise<void> {
    const signal = AbortSignal.timeout(TEST_MS);
    await using project = await tree({ Dockerfile: 'FROM scratch\nCOPY file /\n', file: String(Math.random()) });
    using client = new BuildkitClient(endpoint);
    expect((await client.info({ signal }))?.version).toMatch(/^v\d/);
    const names: string[] = [];
    const folders = new Map([['context', project.path]]).set('dockerfile', project.path);
    const { ref } = await solve(
      client,
      { services: [fileSyncService(folders)] },
      { onStatus: ({ vertexes }) => names.push(...vertexes.map(({ name }) => name)), signal },
    );
    expect(names).toContain('[1/1] COPY file /');
    expect(await client.history(ref, { signal })).toMatchObject({ Ref: ref, Frontend: '' });
  }

  test('a unix socket', async () => {
    await using pipe = await remoteBuildkit(engine.docker, { unix: true });
    await expectToBuildOn({ kind: 'unix', path: pipe.address.slice('unix://'.length) });
  });

  test('tcp', async () => {
    await using pipe = await remoteBuildkit(engine.docker);
    await expectToBuildOn({ kind: 'tcp', ...address(pipe.address) });
  });

  test('mutual TLS', async () => {
    const certificates = await testCertificates();
    await using pipe = await remoteBuildkit(engine.docker, { mutualTls: certificates });
    const tls = { ca: certificates.ca, ...certificates.client };
    await expectToBuildOn({ kind: 'tcp', ...address(pipe.address), tls });
  });

  test('a Docker Engine, near and far', async () => {
    await expectToBuildOn(engine.docker);
    await using pipe = await remoteDocker(engine.docker);
    await expectToBuildOn({ kind: 'docker-tcp', ...address(pipe.address) });
  });
});

/** The names that the face gives out, by the file that each comes from. */
function exportsOf(face: string): readonly (readonly [file: string, name: string])[] {
  return [...face.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)].flatMap(([, names = '', file = '']) =>
    names.split(',').map((name) => [file, name.trim().replace(/ as .*/, '')] as const),
  );
}

test('everything that the face gives out, and every method of it, says what it is', async () => {
  const undocumented: string[] = [];
  for (const [file, name] of exportsOf(await readFile(FACE, 'utf8'))) {
    if (file.includes('proto/gen/')) continue;
    const text = await readFile(join(dirname(FACE), file), 'utf8');
    const declared = new RegExp(`^export (?:async )?(?:class|interface|type|function|const) ${name}\\b`, 'm').exec(
      text,
    );
    if (declared === null) throw new Error(`${file} has no ${name}`);
    if (!text.slice(0, declared.index).trimEnd().endsWith('*/')) undocumented.push(name);
    if (!declared[0].includes('class')) continue;
    const body = text.slice(declared.index, text.indexOf('\n}', declared.index));
    for (const method of body.matchAll(/^ {2}(?:async )?\*?(\w+)\(/gm)) {
      const isSaid = method[1] === 'constructor' || body.slice(0, method.index).trimEnd().endsWith('*/');
      if (!isSaid) undocumented.push(`${name}.${method[1]}`);
    }
  }
  expect(undocumented).toEqual([]);
});
