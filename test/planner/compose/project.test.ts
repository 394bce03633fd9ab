import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { composeDefinition } from '../../../planner/compose/build-definition.ts';
import { composePlan } from '../../../planner/compose/build-plan.ts';
import type { ComposeFileSystem } from '../../../planner/compose/context.ts';
import type { ComposeProject } from '../../../planner/compose/project.ts';
import { loadProject } from '../../../planner/compose/project.ts';
import type { Diagnostic } from '../../../planner/diagnostic.ts';
import type { Planned } from '../../../planner/plan.ts';
import type { Result } from '../../../planner/result.ts';
import { positionAt } from '../../../planner/source.ts';
import type { Target } from '../../../planner/target.ts';
import { spentMs } from '../spent.ts';

const KEY = readFileSync(new URL('../../../fixtures/ssh-keys/ed25519', import.meta.url), 'utf8');

type Files = Readonly<Record<string, string>>;

function inMemory(files: Files): ComposeFileSystem {
  const folders = new Set(
    Object.keys(files).flatMap((name) => name.split('/').map((_, at, all) => all.slice(0, at).join('/'))),
  );
  return {
    readText: (name) => files[name],
    kind: (name) => (Object.hasOwn(files, name) ? 'file' : folders.has(name) ? 'dir' : undefined),
  };
}

function load(files: Files, named: readonly string[] = []): Result<ComposeProject, readonly Diagnostic[]> {
  return loadProject({
    files: named,
    projectDirectory: undefined,
    envFiles: [],
    environment: new Map(),
    cwd: '/p',
    fs: inMemory(files),
    stdin: undefined,
    projectName: undefined,
    profiles: [],
    homeDir: '/home/me',
  });
}

function problems(files: Files, named: readonly string[] = []): readonly string[] {
  const loaded = load(files, named);
  if (loaded.ok) return [];
  return loaded.failure.map(told);
}

function told({ message, span }: Diagnostic): string {
  if (span === undefined) return message;
  const { line, column } = positionAt(span.file.text, span.start);
  return `${span.file.name}:${line}:${column} ${message}`;
}

function targets(files: Files, named: readonly string[] = []): Readonly<Record<string, Target>> {
  const planned = plan(files, named);
  if (!planned.ok) throw new Error(planned.failure[0]?.message);
  return Object.fromEntries(planned.value.plan.targets.map((target) => [target.name, target]));
}

function plan(
  files: Files,
  named: readonly string[] = [],
  environment: ReadonlyMap<string, string> = new Map(),
): Result<Planned, readonly Diagnostic[]> {
  const fs = inMemory(files);
  const loaded = load(files, named);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure.map(({ message }) => message)));
  const options = { services: [], buildArgs: [], ssh: [], proxyArgs: new Map(), fs };
  const switches = {
    withDependencies: false,
    noCache: false,
    pull: false,
    push: false,
    check: false,
    compatibility: false,
  };
  const definition = composeDefinition(loaded.value, { ...options, ...switches });
  if (!definition.ok) throw new Error(definition.failure[0]?.message);
  return composePlan(definition.value, { provenance: undefined, sbom: undefined, environment, fs });
}

describe('what is built', () => {
  test('is what was meant where the reference prints something else', () => {
    const built = targets({
      '/p/compose.yaml': `services:
  a.b: {build: {context: ., provenance: false, ulimits: {nofile: -1}}}
  a_b: {build: {context: "https://example.com/x.tar", dockerfile: D}}
`,
    });
    expect(Object.keys(built)).toEqual(['a_b', 'a_b_']);
    expect(built['a_b']?.attest).toEqual([{ type: 'provenance', attrs: {}, disabled: true }]);
    expect(built['a_b']?.ulimits).toEqual(['nofile=-1']);
    expect(built['a_b_']?.dockerfile).toBe('D');
  });

  test('later files append, replace, and take away', () => {
    const built = targets(
      {
        '/p/a.yaml':
          'services: {s: {build: {context: a, tags: [x:1, x:2], args: {A: "1", B: "1"}, cache_from: [c]}}}\n',
        '/p/b.yaml': 'services: {s: {build: {tags: [x:3], args: [B=2], cache_from: !reset null}}}\n',
        '/p/c.yaml': 'services: {s: {build: {tags: !override [x:4]}}}\n',
      },
      ['a.yaml', 'b.yaml', 'c.yaml'],
    );
    expect(built['s']).toMatchObject({
      context: '/p/a',
      tags: ['x:4', 'p-s'],
      args: { A: '1', B: '2' },
      cacheFrom: [],
    });
  });

  test('paths start at the folder of the file that says them, through extends and include', () => {
    const built = targets({
      '/p/compose.yaml': 'include: [lib/more.yaml]\nservices: {s: {extends: {file: base/b.yaml, service: b}}}\n',
      '/p/base/b.yaml': 'services: {b: {build: {context: ./x, additional_contexts: {h: ~/h, r: docker-image://r}}}}\n',
      '/p/lib/more.yaml': 'services: {m: {build: ../m, image: "m:$V"}}\n',
      '/p/lib/.env': 'V=7\n',
    });
    expect(built['s']).toMatchObject({ context: '/p/base/x', contexts: { h: '/home/me/h', r: 'docker-image://r' } });
    expect(built['m']).toMatchObject({ context: '/p/m', tags: ['m:7'] });
  });
});

test('an empty inline Dockerfile is said, so that no other is looked for', () => {
  const loaded = load({
    '/p/compose.yaml': 'services: {a: {build: {dockerfile_inline: ""}}, b: {build: {}}}\n',
  });
  if (!loaded.ok) throw new Error(loaded.failure[0]?.message);
  const fs = inMemory({});
  const switches = {
    withDependencies: false,
    noCache: false,
    pull: false,
    push: false,
    check: false,
    compatibility: false,
  };
  const definition = composeDefinition(loaded.value, {
    ...{ services: [], buildArgs: [], ssh: [], proxyArgs: new Map(), fs },
    ...switches,
  });
  if (!definition.ok) throw new Error(definition.failure[0]?.message);
  expect(definition.value.targets.map(({ dockerfile }) => dockerfile)).toEqual([undefined, '/p/Dockerfile']);
});

describe('a plan is checked as one of bake', () => {
  const text = (build: string, image = 'x'): string =>
    `services:\n  s:\n    image: ${image}\n    build: {context: ., ${build}}\n`;

  test.each([
    [
      text('secrets: [t]') + 'secrets: {t: {file: ./t}}\n',
      '4:34 target "s": failed to stat /p/t: stat /p/t: no such file or directory',
    ],
    [text('ssh: [default]'), '4:30 target "s": invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set'],
    [text('ssh: [k=./key]'), '4:30 target "s": failed to stat /p/key: no such file or directory'],
    [
      text('no_cache: true', '"Bad Name!!"'),
      '3:12 target "s": invalid tag "Bad Name!!": the name of a repository must be lowercase',
    ],
    [text('tags: [a:b:c]'), '4:31 target "s": invalid tag "a:b:c": it is no name of an image'],
    [
      text('platforms: [linux/a/b/c]'),
      '4:36 target "s": "linux/a/b/c": cannot parse platform specifier: invalid argument',
    ],
    [text('ulimits: {files: 1}'), '4:34 target "s": invalid ulimit type: files'],
    [text('cache_from: [a=b]'), '4:37 type required for "a=b"'],
  ])('%j', (compose, expected) => {
    const planned = plan({ '/p/compose.yaml': compose });
    expect(planned.ok ? [] : planned.failure.map(told)).toEqual([`compose.yaml:${expected}`]);
  });

  test('and finished as one', () => {
    const compose = text('network: host, ssh: [default], platforms: [linux/amd46]');
    const environment = new Map([
      ['SSH_AUTH_SOCK', '/p/key'],
      ['SOURCE_DATE_EPOCH', '0'],
    ]);
    const planned = plan({ '/p/compose.yaml': compose, '/p/key': KEY }, [], environment);
    expect(planned.ok && planned.value.plan.targets[0]).toMatchObject({
      entitlements: ['network.host'],
      ssh: [{ id: 'default', paths: [] }],
      args: { SOURCE_DATE_EPOCH: '0' },
    });
    expect(planned.ok && planned.value.warnings.map(({ hint }) => hint)).toEqual(['did you mean "amd64"?']);
  });
});

test('several ssh keys stand behind one id, with commas between them', () => {
  const compose = 'services: {s: {image: x, build: {context: ., ssh: ["k=./key,/p/key"]}}}\n';
  const planned = plan({ '/p/compose.yaml': compose, '/p/key': KEY });
  expect(planned.ok && planned.value.plan.targets[0]?.ssh).toEqual([{ id: 'k', paths: ['/p/key', '/p/key'] }]);
});

describe('mistakes are told with their place', () => {
  test('all of one kind at once, with what was meant', () => {
    const text = 'services:\n  web: {biuld: ., ports: 80}\n  api:\n    build: {context: ., arg: {A: 1}, tags: x}\n';
    expect(problems({ '/p/compose.yaml': text })).toEqual([
      "compose.yaml:2:9 services.web additional properties 'biuld' not allowed",
      'compose.yaml:2:26 services.web.ports must be an array',
      "compose.yaml:4:25 services.api.build additional properties 'arg' not allowed",
      'compose.yaml:4:44 services.api.build.tags must be an array',
    ]);
    const loaded = load({ '/p/compose.yaml': text });
    expect(loaded.ok ? [] : loaded.failure.map(({ hint }) => hint?.slice(0, 22))).toEqual([
      'did you mean "build"?',
      'a list (- item) is exp',
      'did you mean "args"?',
      'a list (- item) is exp',
    ]);
  });

  test.each<[string, Files, readonly string[]]>([
    [
      'extends in a circle over files',
      {
        '/p/compose.yaml': 'services:\n  a: {extends: {file: b.yaml, service: b}}\n',
        '/p/b.yaml': 'services:\n  b: {extends: {file: compose.yaml, service: a}}\n',
      },
      ['compose.yaml:2:16 circular reference: a in compose.yaml extends b in b.yaml extends a in compose.yaml'],
    ],
    [
      'include in a circle',
      { '/p/compose.yaml': 'include: [b.yaml]\n', '/p/b.yaml': 'include:\n  - compose.yaml\n' },
      ['b.yaml:2:5 include cycle detected: compose.yaml include b.yaml include compose.yaml'],
    ],
    [
      'services that are not there',
      {
        '/p/compose.yaml':
          'services:\n  web: {build: ., depends_on: [api], networks: [back]}\n  apu: {build: {context: ., additional_contexts: {x: "service:wen"}}}\n',
      },
      [
        'compose.yaml:3:50 service "apu" declares unknown service "wen" as additional contexts x',
        'compose.yaml:2:49 service "web" refers to undefined network back',
        'compose.yaml:2:32 service "web" depends on undefined service "api"',
      ],
    ],
    [
      'two forms that do not merge',
      {
        '/p/compose.yaml': 'services: {a: {build: {context: ., tags: [x]}}}\n',
        '/p/compose.override.yml': 'services: {a: {build: {tags: {x: y}}}}\n',
      },
      ['compose.override.yml:1:30 cannot override services.a.build.tags'],
    ],
    [
      'a variable that must be set',
      { '/p/compose.yaml': 'services:\n  a:\n    build: "x${Q:?say what}/y"\n' },
      [
        'compose.yaml:3:14 error while interpolating services.a.build: required variable Q is missing a value: say what',
      ],
    ],
  ])('%s', (_what, files, expected) => {
    expect(problems(files)).toEqual(expected);
  });
});

describe('what grows without end is refused', () => {
  test('files that each include the next twice', () => {
    const names = Array.from({ length: 26 }, (_, at) => `/p/${at}.yaml`);
    const next = (at: number): string => `include: [./${at + 1}.yaml, {path: ./${at + 1}.yaml}]\n`;
    const files = Object.fromEntries(names.map((name, at) => [name, at === 25 ? 'services: {}\n' : next(at)]));
    const [first = ''] = problems(files, ['0.yaml']);
    expect(first).toMatch(/^\d+\.yaml:1:\d+ includes make this project load more than 2000 files$/);
  });

  test('a large file that is included often', () => {
    const large = `services: {}\n# ${'x'.repeat(1024 * 1024)}\n`;
    const files = { '/p/compose.yaml': `include:\n${'- large.yaml\n'.repeat(9)}`, '/p/large.yaml': large };
    expect(problems(files)).toEqual(['compose.yaml:9:3 includes make this project load more than 8 MiB']);
  });

  test('chains that are too long, which are no cycles', () => {
    const includes = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => [`/p/${at}.yaml`, `include: [${at + 1}.yaml]\n`]),
    );
    const last = 'services: {base: {build: .}}\n';
    const names = (length: number): Record<string, string> => ({
      ...includes,
      '/p/compose.yaml': `include: [${60 - length}.yaml]\n`,
      '/p/60.yaml': last,
    });
    expect(problems(names(49))).toEqual([]);
    expect(problems(names(50))).toEqual(['59.yaml:1:11 files include others over more than 50 levels']);
    const forwards = Array.from({ length: 400 }, (_, at) => `  s${at + 1}: {extends: s${at}}\n`).join('');
    expect(problems({ '/p/compose.yaml': `services:\n  s0: {build: .}\n${forwards}` })).toEqual([]);
    const backwards = Array.from({ length: 300 }, (_, at) => `  s${at}: {extends: s${at + 1}}\n`).join('');
    expect(problems({ '/p/compose.yaml': `services:\n${backwards}  s300: {build: .}\n` })).toEqual([
      'compose.yaml:202:19 service "s0" extends others over more than 200 levels',
    ]);
  });

  test('but a file that many include is read', () => {
    const users = Array.from({ length: 200 }, (_, at) => `/p/${at}.yaml`);
    const files = Object.fromEntries(users.map((name) => [name, 'include: [base.yaml]\n']));
    const all = users.map((name) => `- .${name.slice(2)}\n`).join('');
    const base = 'services: {base: {build: .}}\n';
    const built = targets({ ...files, '/p/compose.yaml': `include:\n${all}`, '/p/base.yaml': base });
    expect(Object.keys(built)).toEqual(['base']);
  });

  test.each([
    ['unknown keys', `services: {a: {image: x}}\n${lines((at) => `imgae${at}: {}`)}`],
    ['wrong values', `services:\n  a:\n    image: x\n    ports:\n${lines((at) => `      - {prot: ${at}}`)}`],
    ['services that are not there', `services:\n${lines((at) => `  s${at}: {image: x, depends_on: [t${at}]}`)}`],
    ['variables', `services:\n  a:\n    labels:\n${lines((at) => `      l${at}: "\${x y}"`)}`],
  ])('%s come to 100 mistakes, and soon', { timeout: 60_000 }, (_what, text) => {
    let told = 0;
    const spent = spentMs(() => (told = problems({ '/p/compose.yaml': text }).length));
    expect(told).toBe(100);
    expect(spent).toBeLessThan(4000);
  });

  test('many keys are taken out in one go', () => {
    const service = (value: string): string =>
      `services:\n  a:\n    image: x\n    labels:\n${lines((at) => `      l${at}: ${value}`)}`;
    const text = `${service('x')}---\n${service('!reset x')}`;
    expect(spentMs(() => expect(problems({ '/p/compose.yaml': text })).toEqual([]))).toBeLessThan(4000);
  });

  test('long lists of mappings are compared in one go', () => {
    const ports = lines((at) => `      - {target: ${at + 1}}`);
    const text = `services:\n  a:\n    image: x\n    ports:\n${ports}`;
    expect(spentMs(() => expect(problems({ '/p/compose.yaml': text })).toEqual([]))).toBeLessThan(4000);
  });
});

function lines(line: (at: number) => string): string {
  return `${Array.from({ length: 5_000 }, (_, at) => line(at)).join('\n')}\n`;
}
