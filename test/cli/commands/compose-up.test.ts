import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { asksToBuild, buildArguments, readUp } from '../../../cli/commands/compose-up.ts';
import { depot } from '../../rig/depot.ts';
import { tempFolder } from '../../rig/folder.ts';

test.each([
  [['-d', 'web'], false],
  [['--no-build'], false],
  [['--build=false'], false],
  [['--build', '--build=false'], false],
  [['-d', '--build'], true],
  [['--build=true', 'web'], true],
  [['--build=what'], true],
])('up %j asks to build: %s', (args, expected) => {
  expect(asksToBuild(args)).toBe(expected);
});

test.each([
  [['--build'], ['--with-dependencies', '--'], []],
  [
    ['--build', '-t', '5', '--scale', 'web=2', '--quiet-build', 'web', 'api'],
    ['--quiet', '--with-dependencies', '--', 'web', 'api'],
    ['-t', '5', '--scale', 'web=2', '--quiet-build', 'web', 'api'],
  ],
  [
    ['-dV', '--build=true', '--timeout=5'],
    ['--with-dependencies', '--'],
    ['-dV', '--timeout=5'],
  ],
  [
    ['--build', '--no-deps', 'web'],
    ['--', 'web'],
    ['--no-deps', 'web'],
  ],
  [
    ['--build', '--no-deps=false', 'web'],
    ['--with-dependencies', '--', 'web'],
    ['--no-deps=false', 'web'],
  ],
])('up %j builds %j and then runs up %j', (args, built, rest) => {
  const up = readUp(args);
  if (!up.ok || up.value === undefined) throw new Error('it must build');
  expect(buildArguments(up.value)).toEqual(built);
  expect(up.value.withoutBuild).toEqual(rest);
});

test.each([[['--build', '--help']], [['--build', '--dry-run']]])('up %j builds nothing', (args) => {
  expect(readUp(args)).toEqual({ ok: true, value: undefined });
});

test.each([
  [['-d', '--build', '--nosuchflag'], 'unknown flag: --nosuchflag'],
  [['--build', '--no-build'], '--build and --no-build are incompatible'],
  [['--build', '-d', '-w'], '--detach and --watch are incompatible'],
  [['--build', '--wait', '--attach', 'web'], '--wait and --attach are incompatible'],
  [['--build', '--force-recreate', '--no-recreate'], '--no-recreate and --force-recreate are incompatible'],
])('up %j is refused', (args, why) => {
  expect(readUp(args)).toMatchObject({ ok: false, failure: expect.stringContaining(why) as string });
});

/** A project, and a `docker` on PATH that is a shell script; the build of the project would fail for want of an engine. */
async function project(
  script: string | undefined,
): Promise<{ cwd: string; env: Record<string, string> } & AsyncDisposable> {
  const folder = await tempFolder('up');
  await writeFile(path.join(folder.path, 'compose.yaml'), 'services: {a: {build: .}}\n');
  const programs = path.join(folder.path, 'programs');
  await mkdir(programs);
  if (script !== undefined) await writeFile(path.join(programs, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = {
    PATH: programs,
    DEPOT_DATA_DIR: path.join(folder.path, 'data'),
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
  };
  return { cwd: folder.path, env, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const WITH_PLUGIN = 'if [ "$*" = "compose version" ]; then exit 0; fi\necho "$@"';

describe('before anything is built', () => {
  test.each([
    [undefined, 'there is no docker on PATH'],
    ['echo "docker: unknown command" >&2; exit 1', 'docker has no compose plugin; install docker-compose-plugin'],
  ])('it is found out that there is no docker compose', async (script, why) => {
    await using at = await project(script);
    for (const args of [['up', '--build'], ['ps'], ['config']]) {
      expect(await depot(['compose', ...args], at)).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: `ERROR: depot compose builds; everything else is docker compose, and ${why}\n`,
      });
    }
  });

  test('flags that docker compose would refuse are refused', async () => {
    await using at = await project(WITH_PLUGIN);
    const refused = await depot(['compose', 'up', '-d', '--build', '--nosuchflag'], at);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^ERROR: unknown flag: --nosuchflag/);
    const both = await depot(['compose', 'up', '--build', '--no-build'], at);
    expect(both).toMatchObject({ exitCode: 1, stdout: '' });
    expect(both.stderr).toMatch(/^ERROR: --build and --no-build are incompatible\n/);
  });

  test('help is shown, by docker compose', async () => {
    await using at = await project(WITH_PLUGIN);
    const shown = await depot(['compose', 'up', '--build', '--help'], at);
    expect(shown).toEqual({ exitCode: 0, stdout: 'compose up --build --help\n', stderr: '' });
  });
});

test('docker compose reads what has been read of standard input for the build', async () => {
  await using at = await project(
    'if [ "$*" = "compose version" ]; then exit 0; fi\necho "$@"\nwhile read -r line; do echo "$line"; done',
  );
  const input = 'name: x\nservices: {a: {image: y}}\n';
  expect(await depot(['compose', '-f', '-', 'up', '--build', '-d'], { ...at, input })).toEqual({
    exitCode: 0,
    stdout: `compose -f - up -d\n${input}`,
    stderr: 'WARNING: No services to build\n',
  });
});

test.each([
  ['TERM', 143],
  ['HUP', 129],
])('when docker compose dies of SIG%s, the exit code says so', async (signal, code) => {
  await using at = await project(`if [ "$*" = "compose version" ]; then exit 0; fi\nkill -${signal} $$`);
  expect((await depot(['compose', 'ps'], at)).exitCode).toBe(code);
});

test('Ctrl-C is for docker compose to obey, in silence', async () => {
  const script = 'if [ "$*" = "compose version" ]; then exit 0; fi\n: > asleep\n/bin/sleep 1\nexit 5';
  await using at = await project(script);
  // Where a sandbox has been set up, an engine is looked for first.
  const plugins = path.join(at.env['DEPOT_DATA_DIR'] ?? '', 'engine/root/usr/libexec/docker/cli-plugins');
  await mkdir(plugins, { recursive: true });
  await writeFile(path.join(plugins, 'docker-compose'), '', { mode: 0o755 });
  const interrupt = new AbortController();
  const run = depot(['compose', 'up'], { ...at, interrupt: interrupt.signal });
  await expect.poll(() => existsSync(path.join(at.cwd, 'asleep')), { timeout: 10_000 }).toBe(true);
  interrupt.abort();
  expect(await run).toEqual({ exitCode: 5, stdout: '', stderr: '' });
});
