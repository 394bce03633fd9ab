import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';

const TEST_MS = 120_000;

const FILES = {
  'docker-bake.hcl': `
group "default" { targets = ["web", "api"] }
target "web" {
  description = "The face of it"
  dockerfile = "web.Dockerfile"
  args = { VERSION = "<2>" }
  secret = ["id=token,env=TOKEN"]
}
target "api" {
  contexts = { web = "target:web" }
  tags = ["call-test/api:1"]
}
target "inline" {
  dockerfile-inline = "FROM scratch as one\\nCOPY a /a\\n"
}
target "clean" { dockerfile = "clean.Dockerfile" }
target "broken" { dockerfile = "broken.Dockerfile" }
target "asks" {
  dockerfile = "web.Dockerfile"
  call = "targets"
}
`,
  'web.Dockerfile': `# What it is
FROM scratch as Base
# what is built
ARG VERSION=1
ARG OTHER
MAINTAINER someone
COPY a /a

# the last one
FROM scratch AS last
ARG LATE="yes"
RUN --mount=type=secret,id=token,required=true --mount=type=ssh true
ENTRYPOINT /a
`,
  Dockerfile: 'FROM scratch AS api\nMAINTAINER someone\nCOPY a /a\n',
  'clean.Dockerfile': 'FROM scratch\nCOPY a /a\n',
  'broken.Dockerfile': 'FROM scratch as a\nCOPY a /a\nRUN [ "x"\nCOPPY a b\n',
  a: 'a\n',
};

let engine: TestEngine;
let peer: Peers;
let folder: TempFolder;

beforeAll(async () => {
  engine = await sharedEngine();
  peer = await peers({ dockerHost: engine.dockerHost });
  folder = await tempFolder('call');
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder.path, name), text);
});

afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function bake(...args: readonly string[]): Promise<DepotRun> {
  return depot(['bake', ...args], { cwd: folder.path, env: { DOCKER_HOST: engine.dockerHost, TOKEN: 'secret' } });
}

/** A source's definition names the session it came from, which is another each time. */
function withoutSessions(text: string): string {
  return text.replace(/"definition": \{[^]*?\n {12}\},\n/g, '');
}

describe('a question to the frontend', () => {
  test.each([
    '--check',
    '--check clean',
    '--check inline clean',
    '--check web --set=web.dockerfile=clean.Dockerfile',
    '--call=check,format=json',
    '--call=lint,ignorestatus=true',
    '--call=check,ignorestatus=true,format=json api',
    '--call=outline',
    '--call=outline --set=web.target=base web',
    '--call=outline,format=json',
    '--call=targets',
    '--call=targets,format=json web inline',
    '--call=subrequests.describe clean',
    '--call=subrequests.describe,format=json clean',
    'asks',
    '--call=build asks',
    '--call=check broken clean',
    '--call=check,format=json broken',
  ])(
    'bake %s is answered as buildx does, with its exit code',
    async (line) => {
      const args = line.split(' ');
      const [ours, theirs] = [
        await bake('--progress=quiet', ...args),
        await peer.run('buildx', ['bake', '--progress=quiet', ...args], {
          cwd: folder.path,
          env: { TOKEN: 'secret' },
        }),
      ];
      expect(withoutSessions(ours.stdout), ours.stderr).toBe(withoutSessions(theirs.stdout));
      expect(ours.exitCode, ours.stderr).toBe(theirs.exitCode);
    },
    TEST_MS,
  );

  test('builds and stores nothing', async () => {
    const run = await bake('--check', 'api');
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('Check complete');
    using docker = dockerOf(engine);
    const signal = AbortSignal.timeout(30_000);
    expect(await docker.inspectImage('call-test/api:1', { signal })).toBeUndefined();
  });

  test('tells the answers in the metadata file', async () => {
    const file = join(folder.path, 'metadata.json');
    const run = await bake('--check', '--metadata-file', file, 'clean');
    expect(run.exitCode, run.stderr).toBe(0);
    const told = JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, unknown>>;
    expect(told['clean']).toMatchObject({ 'result.statuscode': '0' });
  });

  test.each([
    ['--call=check,format', 'ERROR: --call: "check,format" names two methods\n'],
    ['--call=check,colour=yes', 'ERROR: --call: unknown field "colour=yes"; format= and ignorestatus= are known\n'],
    ['--call=check,ignorestatus=maybe', 'ERROR: --call: ignorestatus is true or false, not "maybe"\n'],
    ['--lint-fail-on=loud', 'ERROR: invalid level "loud" for --lint-fail-on; info, warn, error and none are known\n'],
  ])('%s is refused before anything else', async (flag, stderr) => {
    expect(await bake(flag)).toEqual({ exitCode: 1, stdout: '', stderr });
  });

  test('of a kind the frontend does not know fails with its name', async () => {
    const run = await bake('--call=weather', 'clean');
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(/^ERROR: target clean: .*frontend\.weather/m);
  });
});

test('depot compose build --check answers as docker compose does', async () => {
  await using project = await tempFolder('compose-check');
  const compose =
    'services:\n  web:\n    build: .\n  clean:\n    build:\n      context: .\n      dockerfile: clean.Dockerfile\n';
  await writeFile(join(project.path, 'compose.yaml'), compose);
  await writeFile(join(project.path, 'Dockerfile'), FILES['web.Dockerfile']);
  await writeFile(join(project.path, 'clean.Dockerfile'), FILES['clean.Dockerfile']);
  const args = ['build', '--check', '--quiet'];
  const ours = await depot(['compose', ...args], { cwd: project.path, env: { DOCKER_HOST: engine.dockerHost } });
  const theirs = await peer.run('compose', args, { cwd: project.path });
  expect(ours.stdout, ours.stderr).toBe(theirs.stdout);
  expect(ours.exitCode).toBe(theirs.exitCode);
});

describe('--lint', () => {
  test('shows the findings and builds', async () => {
    const run = await bake('--lint', '--set=*.output=type=cacheonly', 'inline');
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain('WARNING: FromAsCasing');
    expect(run.stderr).toContain('#4 [1/1] COPY a /a');
  });

  test('keeps the build from beginning where a finding is as bad as --lint-fail-on says', async () => {
    const run = await bake('--lint', '--lint-fail-on=warn', '--set=*.output=type=cacheonly', 'inline');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^ERROR: linting failed$/m);
    expect(run.stderr).not.toContain('COPY a /a\n#');
  });
});

test(
  'targets are built with the proxies of the Docker configuration, whatever holds its credentials',
  async () => {
    await using own = await tempFolder('proxies');
    const bakeFile = 'target "default" { dockerfile-inline = "FROM scratch\\nARG HTTP_PROXY\\n" }\n';
    await writeFile(join(own.path, 'docker-bake.hcl'), bakeFile);
    await writeFile(join(own.path, 'config.json'), '{"proxies":{"default":{"httpProxy":"http://proxy:1"}}}');
    const env = { DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: own.path, DOCKER_AUTH_CONFIG: '{}' };
    const run = await depot(['bake', '--call=outline,format=json', '--progress=quiet'], { cwd: own.path, env });
    expect(run.exitCode, run.stderr).toBe(0);
    const { target } = JSON.parse(run.stdout) as {
      readonly target: { readonly default: Readonly<Record<string, unknown>> };
    };
    expect(target.default).toMatchObject({ outline: { args: [{ name: 'HTTP_PROXY', value: 'http://proxy:1' }] } });
    expect(target.default['build']).not.toHaveProperty('args');
  },
  TEST_MS,
);
