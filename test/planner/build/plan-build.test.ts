import { describe, expect, test } from 'vitest';
import { planBuild } from '../../../planner/build/plan-build.ts';
import type { Diagnostic } from '../../../planner/diagnostic.ts';
import type { Target } from '../../../planner/target.ts';
import { BUILD_FLAGS } from '../../../cli/commands/build-flags.ts';
import { parseFlags } from '../../../cli/flags.ts';

const FOLDERS = new Set(['.', 'app']);

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly dockerfile?: string;
}

function planned(words: readonly string[], { env = {}, dockerfile }: Given = {}): ReturnType<typeof planBuild> {
  const flags = parseFlags(BUILD_FLAGS, words);
  if (!flags.ok) throw new Error(flags.failure);
  return planBuild({
    context: flags.value.rest[0] ?? '',
    flags: flags.value,
    environment: new Map(Object.entries(env)),
    fs: {
      readText: () => undefined,
      kind: (path) =>
        FOLDERS.has(path) ? 'dir' : path === 'file' ? 'file' : path === '/dev/null' ? 'other' : undefined,
    },
    dockerfile,
  });
}

function target(words: readonly string[], given?: Given): Target {
  const result = planned(words, given);
  const [only] = result.ok ? result.value.plan.targets : [];
  if (only === undefined) throw new Error(JSON.stringify(result));
  return only;
}

function mistakes(words: readonly string[], given?: Given): readonly Diagnostic[] {
  const result = planned(words, given);
  if (result.ok) throw new Error('nothing is wrong');
  return result.failure;
}

describe('a command line comes to one target', () => {
  test('says nothing that was not said', () => {
    expect(target(['.'])).toEqual({
      name: 'default',
      annotations: [],
      attest: [],
      context: '.',
      contexts: {},
      dockerfile: 'Dockerfile',
      args: {},
      labels: {},
      tags: [],
      cacheFrom: [],
      cacheTo: [],
      secrets: [],
      ssh: [],
      platforms: [],
      outputs: [],
      noCacheFilter: [],
      ulimits: [],
      entitlements: [],
      extraHosts: {},
    });
  });

  test('flags without a value, as scripts give them', () => {
    const empty = ['add-host', 'annotation', 'cache-from', 'cache-to', 'output', 'secret', 'ssh', 'build-context'];
    expect(target([...empty.map((flag) => `--${flag}=`), '.'])).toEqual(target(['.']));
  });

  test('a Dockerfile is named from the working directory', () => {
    expect(target(['-f', 'docker/web.Dockerfile', 'app']).dockerfile).toBe('cwd://docker/web.Dockerfile');
  });

  test('a Dockerfile of a repository lies in it', () => {
    const url = 'https://git.example.invalid/app.git';
    expect(target(['-f', 'docker/web.Dockerfile', url])).toMatchObject({
      context: url,
      dockerfile: 'docker/web.Dockerfile',
    });
  });

  test('a build argument without a value is the variable, if there is one', () => {
    const args = ['--build-arg', 'A', '--build-arg', 'B', '--build-arg', 'C=', '--build-arg', 'D=x=y', '.'];
    expect(target(args, { env: { A: 'from env' } }).args).toEqual({ A: 'from env', C: '', D: 'x=y' });
  });

  test('SOURCE_DATE_EPOCH of the environment is an argument, unless one is given', () => {
    const env = { SOURCE_DATE_EPOCH: '1' };
    expect(target(['.'], { env }).args).toEqual({ SOURCE_DATE_EPOCH: '1' });
    expect(target(['--build-arg', 'SOURCE_DATE_EPOCH=2', '.'], { env }).args).toEqual({ SOURCE_DATE_EPOCH: '2' });
  });

  test('a label without a value is empty', () => {
    expect(target(['--label', 'a', '--label', 'b=c', '.']).labels).toEqual({ a: '', b: 'c' });
  });

  test('named contexts go by the short names of images', () => {
    const words = ['alpine=docker-image://a', 'docker.io/library/debian:latest=app', 'x/y:1=.'];
    expect(target([...words.flatMap((one) => ['--build-context', one]), '.']).contexts).toEqual({
      alpine: 'docker-image://a',
      debian: 'app',
      'x/y:1': '.',
    });
  });

  test.each([
    [['--push'], [{ type: 'image', attrs: { push: 'true' } }]],
    [['--load'], [{ type: 'docker', attrs: {} }]],
    [
      ['--push', '-o', 'out'],
      [
        { type: 'local', attrs: { dest: 'out' } },
        { type: 'image', attrs: { push: 'true' } },
      ],
    ],
    [['--push', '-o', 'type=image,name=a'], [{ type: 'image', attrs: { name: 'a', push: 'true' } }]],
    [['--load', '-o', 'type=docker'], [{ type: 'docker', attrs: {} }]],
    [['-o', '-'], [{ type: 'tar', attrs: { dest: '-' } }]],
  ])('outputs of %j', (words, outputs) => {
    expect(target([...words, '.']).outputs).toEqual(outputs);
  });

  test('platforms come from the flag, else from DOCKER_DEFAULT_PLATFORM', () => {
    const env = { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' };
    expect(target(['.'], { env }).platforms).toEqual(['linux/arm64']);
    expect(target(['--platform', 'linux/amd64', '.'], { env }).platforms).toEqual(['linux/amd64']);
  });

  test('hosts with several addresses, in both forms', () => {
    const hosts = ['a:10.0.0.1', 'a=10.0.0.2', 'b:host-gateway', 'c=[::1],d:10.0.0.3'];
    expect(target([...hosts.flatMap((one) => ['--add-host', one]), '.']).extraHosts).toEqual({
      a: '10.0.0.1,10.0.0.2',
      b: 'host-gateway',
      c: '[::1]',
      d: '10.0.0.3',
    });
  });

  test.each([
    [['--attest=type=provenance,mode=max', '--attest=type=provenance,mode=min'], { mode: 'max' }, false],
    [['--attest=type=provenance,mode=min', '--provenance=mode=max'], { mode: 'min' }, false],
    [['--attest=type=provenance,mode=max', '--provenance=false'], { mode: 'max' }, false],
    [['--attest=type=provenance,disabled=true', '--provenance=true'], {}, true],
  ])('of several attestations of one type the first counts, and a warning tells: %s', (words, attrs, disabled) => {
    expect(target([...words, '.']).attest).toEqual([{ type: 'provenance', attrs, disabled }]);
    const result = planned([...words, '.']);
    expect(result.ok && result.value.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('has no effect: provenance is asked for twice, and the first counts'),
    ]);
  });

  test('the same attestation said twice is one', () => {
    const result = planned(['--attest=type=sbom', '--sbom=true', '.']);
    expect(result.ok && [result.value.plan.targets[0]?.attest.length, result.value.warnings]).toEqual([1, []]);
  });

  test('short forms of attestations', () => {
    expect(target(['--sbom', 'true', '--provenance', 'mode=max', '.']).attest).toEqual([
      { type: 'provenance', attrs: { mode: 'max' }, disabled: false },
      { type: 'sbom', attrs: {}, disabled: false },
    ]);
  });

  test('the host network asks for its entitlement', () => {
    expect(target(['--network', 'host', '.'])).toMatchObject({ network: 'host', entitlements: ['network.host'] });
  });

  test('what is allowed of builders goes to them, what is allowed here does not', () => {
    const allow = ['--allow', 'network.host', '--allow', '', '--allow', 'buildx.local.delete'];
    expect(target([...allow, '.']).entitlements).toEqual(['network.host']);
  });

  test('ssh agents and keys', () => {
    expect(target(['--ssh', 'x=/dev/null,/dev/null', '--ssh', '', '.'], { env: {} }).ssh).toEqual([
      { id: 'x', paths: ['/dev/null', '/dev/null'] },
    ]);
  });

  test('what came from stdin is the Dockerfile', () => {
    expect(target(['-'], { dockerfile: 'FROM scratch' })).toMatchObject({
      context: '-',
      dockerfile: '-',
      dockerfileInline: 'FROM scratch',
    });
  });

  test("docker's old flags have no effect", () => {
    const old = ['--squash', '--compress', '--rm=false', '-m', '1g', '--cpu-shares=3', '--isolation', 'x', '.'];
    expect(target(old)).toEqual(target(['.']));
  });
});

describe('each wrong value names its flag and the form wanted', () => {
  test.each([
    ['--platform', 'nope', /for --platform: .*; write --platform OS\/ARCH/],
    ['--tag', 'Bad', /for --tag: .*lowercase/],
    ['--build-arg', '=x', /for --build-arg: the name is empty/],
    ['--label', '=x', /for --label: the name is empty/],
    ['--build-context', 'x', /for --build-context: expected key=value/],
    ['--build-context', 'A B=x', /for --build-context: "A B" cannot name a context/],
    ['--build-context', 'a=target:b', /for --build-context: there are no other targets in a build/],
    ['--secret', 'id=a,foo=b', /for --secret: unexpected key 'foo'/],
    ['--output', 'dest=x,tar=true', /for --output: type is required/],
    ['--cache-from', 'ref=x', /for --cache-from: type required/],
    ['--ulimit', 'nofile', /for --ulimit: invalid ulimit argument/],
    ['--shm-size', 'much', /for --shm-size: it is no size/],
    ['--network', 'mine', /for --network: .*; known are default, none and host/],
    ['--allow', 'everything', /for --allow: .*; known are network.host/],
    ['--allow', 'buildx.local.delete=true', /for --allow: buildx.local.delete does not take a value/],
    ['--annotation', 'x', /for --annotation: .*expected key=value/],
    ['--attest', 'x=y', /for --attest: attestation type not specified/],
    ['--attest', 'type=provenance,mode=most', /for --attest: there is no mode "most"; min and max are known/],
    ['--provenance', 'mode=most', /value "mode=most" for --provenance: .*write --provenance true/],
    ['--provenance', 'most', /value "most" for --provenance: invalid value most/],
    ['--shm-size', '', /value "" for --shm-size: it is no size/],
    ['--shm-size', '9e19', /for --shm-size: it is more than a builder can count/],
    ['--add-host', 'db:999.1.1.1', /for --add-host: "999.1.1.1" is no address/],
    ['--add-host', 'db', /for --add-host: a host and its address/],
    ['--add-host', 'db:there', /for --add-host: "there" is no address/],
  ])('%s %s', (flag, value, expected) => {
    const [first, ...more] = mistakes([flag, value, '.']);
    expect(more).toEqual([]);
    expect(`${first?.message}; ${first?.hint}`).toMatch(expected);
  });

  test('all of them at once', () => {
    expect(
      mistakes(['--tag', 'Bad', '--platform', 'nope', '--no-cache', '--no-cache-filter', 'a', 'gone']),
    ).toHaveLength(4);
  });

  test('a context that is not there, or is a file', () => {
    expect(mistakes(['gone'])[0]?.message).toBe('unable to prepare context: path "gone" not found');
    expect(mistakes(['file'])[0]?.message).toBe('unable to prepare context: "file" is not a folder');
  });

  test('an image ID of what is no image', () => {
    expect(mistakes(['-o', 'out', '--iidfile', 'id', '.'])[0]?.message).toContain('no image ID');
  });

  test('two ssh agents of one id', () => {
    const [first, ...more] = mistakes(['--ssh', '=file', '--ssh', 'default=file', '.']);
    expect(first?.message).toBe('invalid value "default" for --ssh: it is given twice, and an id means one agent');
    expect(more).toEqual([]);
  });

  test('an ssh key that is none', () => {
    expect(mistakes(['--ssh', 'x=file', '.'])[0]?.message).toMatch(/for ID: "x": file: ssh: no key found$/);
  });

  test('a secret whose file is not there', () => {
    expect(mistakes(['--secret', 'id=a,src=gone', '.'])[0]?.message).toMatch(/^failed to stat gone/);
  });
});
