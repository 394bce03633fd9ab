import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import type { DepotRun } from '../rig/depot.ts';
import { ownEngine } from '../rig/engine.ts';
import { busybox, shellContext } from '../rig/image.ts';
import { peers } from '../rig/peers.ts';

const TEST_MS = 120_000;

const UP_MS = 300_000;

/** One that nobody else builds on, so that two programs see the same records. */
let engine: Awaited<ReturnType<typeof ownEngine>>;

beforeAll(async () => {
  engine = await ownEngine();
}, UP_MS);

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
}, UP_MS);

function run(args: readonly string[], input?: string): Promise<DepotRun> {
  const env = { DOCKER_HOST: engine.dockerHost };
  return depot(args, { cwd: '/', env, ...(input === undefined ? {} : { input }) });
}

/** Leaves two steps in the cache whose descriptions hold a word of their own, which is given. */
async function leaveSteps(): Promise<string> {
  const word = `mark${Math.random().toString(36).slice(2)}`;
  await using context = await shellContext(`RUN echo ${word} > /one`, `RUN echo ${word} "<&>" > /two`);
  const built = await depot(
    ['build', '--output=type=cacheonly', `--build-context=busybox=${await busybox()}`, context.path],
    { cwd: context.path, env: { DOCKER_HOST: engine.dockerHost } },
  );
  expect(built.exitCode, built.stderr).toBe(0);
  return word;
}

/** Without ages of seconds, and the width that they give to columns. */
const ageless = (text: string): string =>
  text.replace(/(?:\d+ seconds?|Less than a second) ago/g, 'AGE ago').replace(/[ \t]+/g, ' ');

/**
 * Ages go on while two programs run, so that a second try may be needed. On a busy machine no try may be quick enough for both to
 * say the same: then all but the ages must be.
 */
async function expectAsBuildx(args: readonly string[]): Promise<void> {
  await using peer = await peers({ dockerHost: engine.dockerHost });
  for (let tries = 1; ; tries++) {
    const [theirs, ours] = await Promise.all([peer.run('buildx', args), run(args)]);
    expect(ours.exitCode, ours.stderr).toBe(theirs.exitCode);
    if (ours.stdout === theirs.stdout && theirs.stdout !== '') return;
    if (tries === 6) return expect(ageless(ours.stdout)).toBe(ageless(theirs.stdout));
  }
}

describe('depot du prints what buildx prints', () => {
  test.each([
    [],
    ['--verbose'],
    ['--filter=type=regular'],
    ['--filter', 'inuse=false', '--format=pretty'],
    ['--filter=id=a'],
    ['--filter=type!=regular', '--format=json'],
    ['--format', 'table {{.ID}}\\t{{.UsageCount}}\\t{{upper .Type}}'],
    ['--format', '{{.ID}} {{json .}} {{.Parents}} {{join .Parents ","}} {{.Shared | json}}'],
  ])(
    '%s %s %s',
    async (...args) => {
      await leaveSteps();
      await expectAsBuildx(['du', ...args]);
    },
    TEST_MS,
  );

  test('with nothing that fits', async () => {
    await expectAsBuildx(['du', '--filter', 'description~=thereisnosuchword']);
  });
});

describe('depot prune', () => {
  /** What differs between two equal sets of records. */
  const masked = (text: string, word: string): string =>
    text
      .replaceAll(word, 'WORD')
      .replace(/^[a-z0-9]{25}/gm, 'ID')
      .replace(/(ID|Parent):(\s+)[a-z0-9]{25}/g, '$1:$2ID')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?/g, 'TIME')
      .replace(/(?:\d+ (?:seconds?|minutes?)|Less than a second|About a minute) ago/g, 'AGE ago');

  test.each([[[]], [['--verbose']]])(
    'removes what fits and prints what buildx prints: %s',
    async (more) => {
      await using peer = await peers({ dockerHost: engine.dockerHost });
      const [ours, theirs] = [await leaveSteps(), await leaveSteps()];
      const args = (word: string): readonly string[] => [
        'prune',
        '--force',
        ...more,
        '--max-used-space=1',
        '--filter',
        `description~=${word}`,
      ];
      const [own, expected] = [await run(args(ours)), await peer.run('buildx', args(theirs))];
      expect(own.exitCode, own.stderr).toBe(0);
      expect(masked(own.stdout, ours)).toBe(masked(expected.stdout, theirs));
      expect(masked(own.stdout, ours)).toMatch(/ID[^]*ID/);
      const left = await run(['du', '--filter', `description~=${ours}`, '--format=json']);
      expect(left).toMatchObject({ exitCode: 0, stdout: '' });
    },
    TEST_MS,
  );

  test.each(['n\n', '', 'yes\n'])('asks first, and takes %j for a no', async (input) => {
    await using peer = await peers({ dockerHost: engine.dockerHost });
    const args = ['prune', '--all', '--filter=description~=thereisnosuchword'];
    expect(await run(args, input)).toEqual(await peer.run('buildx', args, { input }));
  });

  test('goes on after a yes', async () => {
    const { exitCode, stdout } = await run(['prune', '--filter=description~=thereisnosuchword'], 'Y\n');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout:
        'WARNING! This will remove all dangling build cache. Are you sure you want to continue? [y/N] Total:\t0B\n',
    });
  });
});

test.each([
  [['du', 'x'], 'ERROR: depot du takes no arguments'],
  [['du', '--filter', 'x'], 'ERROR: invalid argument "x" for "--filter" flag: NAME=VALUE is expected'],
  [['du', '--filter=type=a', '--filter=type=b'], 'ERROR: "type" filter expects only one value'],
  [['du', '--verbose', '--format=json'], 'ERROR: --format and --verbose cannot be used together'],
  [['du', '--format={{.Nope}}'], 'ERROR: --format: template parsing error: there is no field "Nope"; there are '],
  [['du', '--format={{.ID'], 'ERROR: --format: template parsing error: an action that begins with {{ does not end'],
  [
    ['du', '--format={{range .Parents}}x{{end}}'],
    'ERROR: --format: template parsing error: "range" is not known here;',
  ],
  [['prune', '-f', '--max-used-space=much'], 'ERROR: --max-used-space: "much" is no size; 10GB and 512m are'],
  [
    ['prune', '-f', '--filter=until=1d'],
    `ERROR: "until" filter expects a duration (e.g., '24h'): time: unknown unit "d"`,
  ],
  [
    ['prune', '-f', '--filter=until=1h', '--filter=unused-for=1h'],
    'ERROR: conflicting filters "until" and "unused-for"',
  ],
])('%j is refused', async (args, message) => {
  const refused = await run(args);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr.split('\n')[0]).toContain(message);
});

test('an engine that is not there is told', async () => {
  const { exitCode, stderr } = await depot(['du'], { cwd: '/', env: { BUILDKIT_HOST: 'tcp://127.0.0.1:1' } });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('ERROR: the builder at tcp://127.0.0.1:1 cannot be reached: connect ECONNREFUSED');
});
