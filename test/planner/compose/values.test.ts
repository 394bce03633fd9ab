import { describe, expect, test } from 'vitest';
import { loadProject } from '../../../planner/compose/project.ts';
import { isCommandLine } from '../../../planner/compose/shell-words.ts';
import { positionAt } from '../../../planner/source.ts';

/** What is said of a project, each with line, column and hint. The answers of docker compose 2.40.3 are the same. */
function problems(text: string, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const all: Readonly<Record<string, string>> = { '/p/compose.yaml': text, ...files };
  const loaded = loadProject({
    files: [],
    projectDirectory: undefined,
    envFiles: [],
    environment: new Map(),
    cwd: '/p',
    fs: { readText: (name) => all[name], kind: (name) => (Object.hasOwn(all, name) ? 'file' : undefined) },
    stdin: undefined,
    projectName: undefined,
    profiles: [],
    homeDir: '/home/me',
  });
  if (loaded.ok) return [];
  return loaded.failure.map(({ message, hint, span }) => {
    const { line, column } = positionAt(span?.file.text ?? '', span?.start ?? 0);
    return `${span?.file.name}:${line}:${column} ${message}; ${hint}`;
  });
}

function service(attribute: string): string {
  return `services:
  b: {image: x}
  a:
    build: .
    ${attribute}
secrets: {s: {file: x}}
configs: {c: {file: x}}
`;
}

/** `deploy.x.0.y` with a value, as flow mappings and lists. */
function written(path: string, value: string): string {
  const [first = '', ...rest] = path.split('.');
  const inner = rest.reduceRight(
    (made, key) => (key === '0' ? `[${made}]` : `{${BESIDE[key] ?? ''}${key}: ${made}}`),
    value,
  );
  return `${first}: ${inner}`;
}

/** What the schema wants beside a key. */
const BESIDE: Readonly<Record<string, string>> = {
  tmpfs: 'type: tmpfs, target: /t, ',
  bind: 'type: bind, source: x, target: /t, ',
  rate: 'path: /dev/a, ',
  mode: '',
  restart: 'condition: service_started, ',
};

const SIZES = ['mem_limit', 'memswap_limit', 'mem_reservation', 'mem_swappiness', 'shm_size'];
const DURATIONS = ['stop_grace_period', 'healthcheck.interval', 'healthcheck.timeout', 'healthcheck.start_period'];

describe.each([
  {
    paths: [
      ...[...SIZES, 'deploy.resources.limits.memory', 'deploy.resources.reservations.memory'],
      ...['blkio_config.device_read_bps.0.rate', 'blkio_config.device_write_iops.0.rate', 'volumes.0.tmpfs.size'],
    ],
    good: ['1g', '1.5g', '1.5 gb', '10kib', '10MB', '"1e3"', '.5g', '"+5"', '"1.gb"', '"1 b"', '10b'],
    bad: ['10zz', '1q', 'x', '5x', '"-1"', '""', '" 5"', '10eb', '"0x10"', 'b', '"1  b"', '5ibb'],
    says: 'invalid size: ',
  },
  {
    paths: [
      ...[...DURATIONS, 'healthcheck.start_interval', 'deploy.restart_policy.delay', 'deploy.restart_policy.window'],
      ...['deploy.update_config.delay', 'deploy.update_config.monitor', 'deploy.rollback_config.delay'],
    ],
    good: [
      '5s',
      '1m30s',
      '1.5h',
      '"-5s"',
      '1w',
      '1d12h',
      '10us',
      '10µs',
      '.5s',
      '1.s',
      '+5s',
      '"0"',
      '1w2d3h4m5s6ms',
      '1s1h',
    ],
    bad: ['abc', '5q', '"5"', '""', '5 s', '1h30', '1m 30s', '5S', '1y', '1M', 's', '1.5.5s'],
    says: 'invalid duration ',
  },
  {
    paths: ['attach', 'volumes.0.bind.create_host_path', 'depends_on.b.restart'],
    good: ['true', '"true"', 'yes', '"ON"', 'y'],
    bad: ['x', '"1"', '""', '"t"'],
    says: 'invalid boolean: ',
  },
  {
    paths: ['deploy.resources.limits.cpus', 'deploy.resources.reservations.cpus'],
    good: ['0.5', '"0.5"', '1', '".5"', '"inf"', '"1_000"'],
    bad: ['x', '""', '"0x10"', '" 5"', '"1__0"'],
    says: 'invalid number: ',
  },
  {
    paths: ['deploy.resources.limits.pids'],
    good: ['5', '"5"', '"-5"', '"+5"'],
    bad: ['x', '"5.5"', '""', '"0x10"', '"99999999999999999999"'],
    says: 'invalid whole number: ',
  },
  {
    paths: ['scale', 'deploy.replicas', 'healthcheck.retries', 'deploy.update_config.parallelism', 'ports.0.target'],
    good: ['0', '5', '"5"'],
    bad: ['-5', '"-5"'],
    says: 'must be greater than or equal to 0',
  },
  { paths: ['blkio_config.weight'], good: ['5', '70000'], bad: ['"5"', '-5', '""'], says: '' },
  { paths: ['gpus.0.count'], good: ['5', '"5"', 'all', 'ALL'], bad: ['x', '"5.5"', '""'], says: 'invalid count ' },
  {
    paths: ['group_add.0', 'expose.0', 'storage_opt.size'],
    good: ['5', '"5.5"'],
    bad: ['5.5'],
    says: 'expected a text',
  },
  { paths: ['cpu_percent'], good: ['5', '"50"', '0'], bad: ['-5', '"-5"', '101', '"1e3"'], says: '' },
])('$paths', ({ paths, good, bad, says }) => {
  test.each(paths)('%s', (path) => {
    for (const value of good) expect(problems(service(written(path, value))), value).toEqual([]);
    for (const value of bad) {
      const [problem = ''] = problems(service(written(path, value)));
      expect(problem, value).toMatch(/^compose\.yaml:5:\d+ services\.a\./);
      expect(problem, value).toContain(says);
      expect(problem, value).toMatch(/; \S/);
    }
  });
});

test.each([
  ['extra_hosts: ["x"]', '5:19 services.a.extra_hosts: invalid additional host, missing IP: x; write host=address'],
  ['extra_hosts: {"a:b": "1"}', "5:19 services.a.extra_hosts: bad host name 'a:b'; write host=address"],
  [
    'secrets: [{source: s, mode: "0999"}]',
    '5:33 services.a.secrets.[].mode: invalid mode "0999"; write an octal number, such as 0444',
  ],
  [
    'volumes: [{type: bind, source: x}]',
    '5:15 service volume services.a.volumes.[] is missing a mount target; write target: PATH',
  ],
  [
    'volumes: [{type: bind, target: /x}]',
    '5:15 invalid mount config for type "bind": field Source must not be empty; write source: PATH',
  ],
  ['volumes: [""]', '5:15 invalid empty volume spec; write source:target, or a mapping with type: and target:'],
  [
    'tmpfs: [/a, "/a:size=1"]',
    '5:17 services.a.tmpfs[1]: target /a already mounted as services.a.tmpfs[0]; mount it once',
  ],
  [
    'devices: ["a:b:c:d"]',
    '5:15 confusing device mapping, please use long syntax: a:b:c:d; write source:target:permissions, or a mapping with source: and target:',
  ],
  ['devices: [{source: a}]', '5:15 service device services.a.devices.[] is missing a mount target; write target: PATH'],
  ['ports: [{published: "80"}]', '5:13 service ports services.a.ports.[] is missing a target port; write target: PORT'],
  [
    'ports: [99999]',
    '5:13 Invalid containerPort: 99999; write [[address:]published:]target[/protocol], such as "8080:80"',
  ],
  [
    'ports: [80.5]',
    '5:13 services.a.ports: invalid type float64 for port; write [[address:]published:]target[/protocol], such as "8080:80"',
  ],
  [
    'ports: [{target: 80, host_ip: x}]',
    '5:35 services.a.ports: invalid ip address: x; write an address such as 127.0.0.1, or take out host_ip:',
  ],
  [
    'gpus: [{count: all, device_ids: [x]}]',
    '5:37 services.a: "count" and "device_ids" attributes are exclusive; keep one of them',
  ],
  [
    'develop: {watch: [{path: "", action: rebuild}]}',
    "5:30 services.a.develop.watch.path: value can't be blank; write the path of a file or folder",
  ],
  [
    'develop: {watch: [{path: x, action: sync}]}',
    '5:23 services.a.develop.watch: target is required for non-rebuild actions; write target: PATH, where the files go in the container',
  ],
  [
    'label_file: ./nope',
    '5:17 label file /p/nope not found: stat /p/nope: no such file or directory; create it, or take out label_file:',
  ],
])('%s is refused', (attribute, expected) => {
  expect(problems(service(attribute))).toEqual([`compose.yaml:${expected}`]);
});

test('a label file is read, and a mistake in it is told', () => {
  expect(problems(service('label_file: ./labels'), { '/p/labels': 'A=1\n' })).toEqual([]);
  expect(problems(service('label_file: [./labels]'), { '/p/labels': 'A B=1\n' })).toEqual([
    'labels:1:1 key cannot contain a space; write NAME=value',
  ]);
});

test('a volume and a tmpfs cannot have one place, however it is written', () => {
  const text = service('tmpfs: [/b]\n    volumes: ["data:/b/"]').replace('secrets:', 'volumes: {data: {}}\nsecrets:');
  expect(problems(text)).toEqual([
    'compose.yaml:6:15 services.a.volumes[0]: target /b already mounted as services.a.tmpfs[0]; mount it once',
  ]);
});

describe('a command line', () => {
  test.each([
    ...["a; 'b", 'a & "b', 'a $(b)', 'a `b`', "a | 'x", "a \\'b", "a 'b\\'", `"a'b"`, "a $(b 'c)", 'a "$("', '', '${'],
    ...["a '(' b", 'a `b $(c`', 'a "\\\\"', "a $(b | 'c)"],
  ])('%j is one', (text) => {
    expect(isCommandLine(text)).toBe(true);
  });

  test.each([
    ...["a 'b", 'a "b', 'a \\', 'a (b', 'a $(b', 'a `b', 'a )', '$(a', "a # 'x", 'a "b\\"', "a $'b", 'a () b'],
    ...['a $( ( ) )', 'a $((1+2))', 'a $(b;c', "a \n'b"],
  ])('%j is none', (text) => {
    expect(isCommandLine(text)).toBe(false);
  });

  test('is asked for where one is written as a text', () => {
    for (const attribute of ['command: "a \'b"', 'entrypoint: "\'"', 'post_start: [{command: "x \'y"}]']) {
      expect(problems(service(attribute))[0]).toMatch(
        /^compose\.yaml:5:\d+ services\.a\..*invalid command line string/,
      );
    }
  });
});
