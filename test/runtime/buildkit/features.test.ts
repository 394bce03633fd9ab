import { beforeAll, describe, expect, test } from 'vitest';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import type { Feature } from '../../../runtime/buildkit/features.ts';
import { FEATURES, lacking } from '../../../runtime/buildkit/features.ts';
import { newerDaemonHint } from '../../../runtime/buildkit/refusals.ts';
import { depot } from '../../rig/depot.ts';
import type { DepotRun } from '../../rig/depot.ts';
import type { TestEngine } from '../../rig/engine.ts';
import { sharedEngine } from '../../rig/engine.ts';
import type { FakeDaemon } from '../../rig/fake-daemon.ts';
import { fakeDaemon } from '../../rig/fake-daemon.ts';
import { tree } from '../../rig/tree.ts';

const signal = AbortSignal.timeout(120_000);
const NO_VERSION = 'v0.0.0+unknown';

/** What a daemon lacks of some features, and whether it was asked for its capabilities. */
async function lackedBy(
  version: string,
  capabilities: readonly string[],
  features: readonly Feature[],
): Promise<{ readonly lacked: readonly string[]; readonly isAsked: boolean }> {
  await using daemon = await fakeDaemon({ version, capabilities });
  using client = new BuildkitClient({ kind: 'unix', path: daemon.path });
  const lacked = await lacking(client, features, { version, signal });
  return { lacked: lacked.map(({ what }) => what), isAsked: daemon.calls.includes('LLBBridge/Ping') };
}

describe('a feature is', () => {
  const { severalOutputs, provenanceVersion } = FEATURES;
  const { what, capability } = severalOutputs;

  test.each([
    ['there by a version that has it, which is asked nothing', 'v0.13.0', [], [], false],
    ['there by a later one', 'v1.2.3', [], [], false],
    ['there by the version of a Docker Engine', 'v0.25.2-moby', [], [], false],
    ['there by the version of a build in between', 'v0.13.0-rc3.0.20240307201145-0123456789ab', [], [], false],
    ['not there by an older version and the capabilities', 'v0.12.5', [], [what], true],
    ['there by the capabilities of an older version', 'v0.12.5', [capability], [], true],
    ['not there by the capabilities of no version', NO_VERSION, [], [what], true],
    ['there by the capabilities of no version', NO_VERSION, [capability], [], true],
    ['not there by the capabilities of a version in words', 'master', [], [what], true],
    ['not there by the capabilities of a daemon that says nothing', '', [], [what], true],
  ])('%s', async (_how, version, capabilities, lacked, isAsked) => {
    expect(await lackedBy(version, capabilities, [severalOutputs])).toEqual({ lacked, isAsked });
  });

  test.each([
    ['not there by an older version, where no capability tells', 'v0.22.0', [provenanceVersion.what]],
    ['there by its version', 'v0.23.0', []],
    ['taken for there where nothing tells', NO_VERSION, []],
  ])('%s', async (_how, version, lacked) => {
    expect(await lackedBy(version, [], [provenanceVersion])).toEqual({ lacked, isAsked: false });
  });

  test('asked for together with others', async () => {
    const { freeSpaceLimits, deletingFolder } = FEATURES;
    const all = [severalOutputs, freeSpaceLimits, deletingFolder, provenanceVersion];
    const { lacked } = await lackedBy('v0.17.0', [severalOutputs.capability, freeSpaceLimits.capability], all);
    expect(lacked).toEqual([deletingFolder.what, provenanceVersion.what]);
  });
});

test.each([
  [
    'failed to load LLB: unknown API capability source.git.mtime',
    'this builder is too old for it: BuildKit 0.29 (Docker 29.4) or newer has source.git.mtime',
  ],
  [
    'requested experimental feature exec.mount.cache.content  is not supported by build server, please update moby/buildkit',
    'this builder is too old for it: BuildKit 0.13 (Docker 26.0) or newer has exec.mount.cache.content',
  ],
  [
    'unsupported frontend capability moby.buildkit.frontend.gitquerystring',
    'this builder is too old for it: BuildKit 0.24 (Docker 28.4) or newer, or a newer Dockerfile frontend (BUILDKIT_SYNTAX=docker/dockerfile:1), has moby.buildkit.frontend.gitquerystring',
  ],
  ['unknown API capability some.thing', undefined],
  ['failed to solve: source.git.mtime', undefined],
])('%s: %s', (message, hint) => {
  expect(newerDaemonHint(message)).toBe(hint);
});

/** Builds on a daemon, as a user would. */
async function build(daemon: FakeDaemon, args: readonly string[]): Promise<DepotRun> {
  await using project = await tree({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
  return await depot(['build', '--progress=plain', ...args, '.'], {
    cwd: project.path,
    env: { BUILDKIT_HOST: daemon.address },
  });
}

describe('depot build on an old daemon (a fake: no real one runs here)', () => {
  const TWO = ['-o', 'type=oci,dest=a.tar', '-o', 'type=tar,dest=b.tar'];

  test.each<[string, string, readonly string[], string]>([
    ['several outputs', 'v0.12.5', TWO, 'BuildKit 0.13 (Docker 26.0)'],
    [
      'rewrite-timestamp of an output',
      'v0.12.5',
      ['-o', 'type=oci,dest=a.tar,rewrite-timestamp=true'],
      'BuildKit 0.13',
    ],
    ['oci-artifact of an output', 'v0.18.2', ['-o', 'type=oci,dest=a.tar,oci-artifact=true'], 'BuildKit 0.19'],
    ['a version of provenance other than v0.2', 'v0.22.0', ['--provenance=mode=max,version=v1'], 'BuildKit 0.23'],
    ['devices', 'v0.19.0', ['--allow=device=vendor.test/x'], 'BuildKit 0.20'],
    ['mode=delete of a local output', 'v0.30.0', ['-o', 'type=local,dest=out,mode=delete'], 'BuildKit 0.31'],
  ])('is told that it needs a newer one for %s, before anything is built', async (what, version, args, since) => {
    await using daemon = await fakeDaemon({ version, capabilities: [] });
    const { stderr, exitCode } = await build(daemon, args);
    const [error, hint] = stderr.trimEnd().split('\n').slice(-2);
    expect(error).toBe(`ERROR: not supported: ${what} on this builder (target "default")`);
    expect(hint).toMatch(
      new RegExp(`^ {2}${since.replaceAll(/[().]/g, '\\$&')}.* or newer is needed; this one calls itself ${version}$`),
    );
    expect(exitCode).toBe(1);
    expect(daemon.solved.filter(({ Internal }) => !Internal)).toEqual([]);
  });

  test('builds what it can, and is asked no more than any', async () => {
    await using daemon = await fakeDaemon({ version: 'v0.12.5', capabilities: [] });
    const { stderr, exitCode } = await build(daemon, [
      '-o',
      'type=oci,dest=a.tar',
      '--provenance=mode=max,version=v0.2',
    ]);
    expect(exitCode, stderr).toBe(0);
    expect([...daemon.calls].sort()).toEqual([
      'Control/Info',
      'Control/ListWorkers',
      'Control/Session',
      'Control/Solve',
      'Control/Status',
      'LLBBridge/Return',
      'LLBBridge/Solve',
    ]);
    const [solved] = daemon.solved;
    expect(solved).toMatchObject({ ExporterDeprecated: 'oci', Exporters: [{ Type: 'oci' }], Cache: {} });
  });

  test('is told no version where the daemon has none, and builds', async () => {
    await using daemon = await fakeDaemon({ version: undefined, capabilities: [] });
    const { stderr, exitCode } = await build(daemon, []);
    expect(exitCode, stderr).toBe(0);
    const refused = await build(daemon, TWO);
    expect(refused.stderr).toMatch(/\n {2}BuildKit 0\.13 \(Docker 26\.0\) or newer is needed\n$/);
  });

  test('with a frontend that is too old for a question is told which one would answer', async () => {
    const refusal = 'unsupported request frontend.lint';
    await using daemon = await fakeDaemon({ version: 'v0.13.2', capabilities: [], refusal });
    const { stderr, exitCode } = await build(daemon, ['--check']);
    expect(stderr.trimEnd().split('\n').slice(-2)).toEqual([
      `ERROR: failed to build: failed to solve: Unimplemented: ${refusal}`,
      '  this builder is too old for it: BuildKit 0.14 (Docker 27.0) or newer, or a newer Dockerfile frontend (BUILDKIT_SYNTAX=docker/dockerfile:1), has frontend.lint',
    ]);
    expect(exitCode).toBe(1);
  });

  test.each([
    ['--check', 'frontend.lint'],
    ['--call=outline', 'frontend.outline'],
    ['--call=targets', 'frontend.targets'],
  ])('with a frontend that is too old for %s asks a newer one, which is got for it', async (flag, question) => {
    const refusal = `unsupported request ${question}`;
    await using daemon = await fakeDaemon({ version: 'v0.12.5', capabilities: [], refusal, hasOthers: true });
    const { stderr, exitCode } = await build(daemon, [flag]);
    expect(stderr).not.toContain('ERROR');
    expect(exitCode, stderr).toBe(0);
    expect(daemon.asked).toMatchObject([
      { requestid: question },
      {
        requestid: question,
        'build-arg:BUILDKIT_SYNTAX': expect.stringMatching(/^docker\/dockerfile:1\.8\.1@sha256:/),
      },
    ]);
  });

  test('with a frontend whose answer is none is told so, without the name that nobody gave the target', async () => {
    await using daemon = await fakeDaemon({ version: 'v0.30.0', capabilities: [] });
    const { stderr, exitCode } = await build(daemon, ['--check']);
    expect(stderr).toMatch(/\nERROR: the answer of its frontend cannot be read: there is no result\.json in it\n$/);
    expect(exitCode).toBe(1);
  });

  test('depot prune is told what its limits need', async () => {
    const prune = async (version: string, capabilities: readonly string[]): Promise<readonly [string, boolean]> => {
      await using daemon = await fakeDaemon({ version, capabilities });
      const env = { BUILDKIT_HOST: daemon.address };
      const { stderr } = await depot(['prune', '--force', '--max-used-space=1g'], { cwd: '/', env });
      return [stderr, daemon.calls.includes('Control/Prune')];
    };
    const needs = '--max-used-space and --min-free-space need BuildKit 0.17 (Docker 27.4) or newer';
    expect(await prune('v0.16.0', [])).toEqual([`ERROR: ${needs}\n`, false]);
    expect(await prune('v0.17.0', [])).toEqual(['', true]);
    expect(await prune(NO_VERSION, ['gc.freespacefilter'])).toEqual(['', true]);
  });
});

describe('a real engine', () => {
  let engine: TestEngine;

  beforeAll(async () => {
    engine = await sharedEngine();
  });

  test('has what its capabilities say, whatever it calls itself', async () => {
    using client = new BuildkitClient(engine.docker);
    const { severalOutputs, freeSpaceLimits, historyFilters } = FEATURES;
    expect(
      await lacking(client, [severalOutputs, freeSpaceLimits, historyFilters], { version: NO_VERSION, signal }),
    ).toEqual([]);
    expect(
      await lacking(client, [{ what: 'x', since: '9.9', capability: 'no.such' }], { version: NO_VERSION, signal }),
    ).toHaveLength(1);
  });

  test('that is too old for a git URL is told so', async () => {
    await using project = await tree({});
    const run = await depot(['bake', '--print', 'http://127.0.0.1:1/app.git?mtime=commit'], {
      cwd: project.path,
      env: { DOCKER_HOST: engine.dockerHost },
    });
    expect(run.exitCode).toBe(1);
    const isNew = !run.stderr.includes('unknown API capability');
    if (!isNew)
      expect(run.stderr).toContain(
        '\n  this builder is too old for it: BuildKit 0.29 (Docker 29.4) or newer has source.git.mtime\n',
      );
  });
});

test('a capability is of the release that its feature is of', () => {
  for (const { capability, since } of Object.values(FEATURES) as readonly Feature[]) {
    if (capability === undefined) continue;
    expect(newerDaemonHint(`unknown API capability ${capability}`)).toContain(`BuildKit ${since} `);
  }
});
