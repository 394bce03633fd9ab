import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicySchema } from '../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts';
import { wirePolicy } from '../../runtime/buildkit/source-policy.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { tree } from '../rig/tree.ts';
import type { TestWeb } from '../rig/web.ts';
import { testWeb } from '../rig/web.ts';

const VARIABLE = 'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY';

let engine: TestEngine;
let peer: Peers;
let web: TestWeb;

beforeAll(async () => {
  engine = await sharedEngine();
  peer = await peers({ dockerHost: engine.dockerHost });
  web = await testWeb({ files: { '/asked': 'what was asked for', '/given': 'what is given instead' } });
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
});

async function project(policy: string | Uint8Array): Promise<TempFolder> {
  const folder = await tree({
    Dockerfile: `FROM scratch\nADD ${web.url}/asked /file\n`,
    'docker-bake.hcl': 'target "default" {\n  output = ["type=local,dest=out"]\n}\n',
  });
  await writeFile(join(folder.path, 'policy.json'), policy);
  return folder;
}

function rules(...all: readonly object[]): string {
  return JSON.stringify({ version: 1, rules: all }, undefined, 2);
}

const DENY = (): string => rules({ action: 'DENY', selector: { identifier: `${web.url}/*` } });
const CONVERT = (): string =>
  rules({
    action: 'CONVERT',
    selector: { identifier: `${web.url}/asked` },
    updates: { identifier: `${web.url}/given` },
  });

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  build: ['build', '-o', 'out', '.'],
  bake: ['bake', '--allow=fs=*'],
};

function ours(folder: TempFolder, args: readonly string[], policy = 'policy.json'): Promise<DepotRun> {
  return depot(args, { cwd: folder.path, env: { DOCKER_HOST: engine.dockerHost, [VARIABLE]: policy } });
}

describe('a source policy', { timeout: 60_000 }, () => {
  test.each(['build', 'bake'])('keeps %s from fetching what it denies, as with buildx', async (command) => {
    await using folder = await project(DENY());
    const args = COMMANDS[command] ?? [];
    const theirs = await peer.run('buildx', args, { cwd: folder.path, env: { [VARIABLE]: 'policy.json' } });
    const run = await ours(folder, args);
    const reason = /source "\S+" denied by policy.*$/m;
    expect([theirs.exitCode, run.exitCode]).toEqual([1, 1]);
    expect(reason.exec(run.stderr)?.[0]).toContain(`${web.url}/asked`);
    expect(reason.exec(run.stderr)?.[0]).toBe(reason.exec(theirs.stderr)?.[0]);
  });

  test.each(['build', 'bake'])('has %s fetch something else', async (command) => {
    await using folder = await project(CONVERT());
    const run = await ours(folder, COMMANDS[command] ?? []);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await readFile(join(folder.path, 'out', 'file'), 'utf8')).toBe('what is given instead');
  });

  test('may be in protobuf', async () => {
    const policy = wirePolicy({
      version: 1,
      rules: [{ action: 'DENY', selector: { identifier: `${web.url}/*`, matchType: 'WILDCARD', constraints: [] } }],
    });
    await using folder = await project(toBinary(PolicySchema, create(PolicySchema, policy)));
    const run = await ours(folder, ['build', '-o', 'out', '.']);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('denied by policy');
  });

  test('that is wrong is told in its place, and nothing is built', async () => {
    await using folder = await project(`{\n  "rules": [{"action": "DENNY", "selector": {"identifier": "*"}}]\n}\n`);
    const run = await ours(folder, ['build', '-o', 'out', '.']);
    expect(run).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: [
        'ERROR: policy.json:2:24: This is not an action',
        '  2 |   "rules": [{"action": "DENNY", "selector": {"identifier": "*"}}]',
        '    |                        ^^^^^^^ did you mean "DENY"?',
        '',
      ].join('\n'),
    });
  });

  test('that is not there is told', async () => {
    await using folder = await project('');
    const run = await ours(folder, ['build', '-o', 'out', '.'], 'gone.json');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^ERROR: the source policy gone\.json \(\w+\) cannot be read: ENOENT/);
  });
});
