import type { Draw } from './random.ts';

/** Keys of a build section, each with values that it may have. */
const BUILD: readonly (readonly [string, readonly string[]])[] = [
  ['dockerfile', ['Dockerfile', './a/../D', '/D', '""']],
  ['dockerfile_inline', ['"FROM ${V:-a}\\n"', '"FROM a\\nRUN echo $${B}"']],
  ['args', ['{A: 1, B: "$V", C: }', '[A, B=1, "C=${N-x}"]', '[]']],
  ['tags', ['[a:1, b]', '["Bad Name!!"]', '[!reset x, a]']],
  ['labels', ['{a: b}', '[a=b, c]', '{a.b: 1.50}']],
  ['cache_from', ['[a, "type=gha"]', '["", x]', '[type=local,src=.]']],
  ['cache_to', ['["type=registry,ref=${V}"]', '[a=b]']],
  ['secrets', ['[s]', '[{source: s, target: t}, e]']],
  ['ssh', ['[default]', '[k=./key]', '{default: , k: ./k}']],
  ['platforms', ['[linux/amd64, linux/arm64/v8]', '[a/b/c/d]', '[linux/amd46]']],
  ['ulimits', ['{nofile: 1}', '{nofile: {soft: 2, hard: 1}}', '{nproc: -1}', '{x: 1}']],
  ['extra_hosts', ['[a:1.2.3.4, a=::1]', '{a: 1.2.3.4}', '{a: [1.2.3.4, 5.6.7.8]}']],
  ['additional_contexts', ['{a: "service:api"}', '{a: "target:web"}', '[a=./a, b=docker-image://b]']],
  ['network', ['host', 'none', '""']],
  ['shm_size', ['64m', '1.5gb', '-1', '0x10']],
  ['provenance', ['true', 'mode=max', '"a,b"', 'false']],
  ['sbom', ['true', 'generator=a', '"0"']],
  ['entitlements', ['[network.host]', '[a, a]']],
  ['no_cache', ['true', 'no', '"${V}"']],
  [
    'x-bake',
    ['{tags: [a], output: "type=local,dest=.", platforms: a b}', '{ssh: default, secret: [id=a]}', '{pull: yes}'],
  ],
  ['x-depot', ['{project-id: 0123}', 'x']],
];

/** The same for a service. */
const SERVICE: typeof BUILD = [
  ['image', ['a', 'a:${V}', '"${N:?why}"', '"Bad Name!!"', '!!binary YQ==']],
  ['environment', ['{A: 1, B: }', '[A, B=$$1]']],
  ['env_file', ['.env', '[{path: .env, required: false}]']],
  ['extends', ['base', '{service: base}', '{file: compose.yaml, service: base}', '{service: web}']],
  ['depends_on', ['[api]', '{api: {condition: service_started, required: false}}']],
  ['platform', ['linux/amd64', 'linux']],
  ['profiles', ['[a, b]', '[]']],
  ['ports', ['["80", 8080:80]', '[80-90:80-90/udp]', '[{target: 80}, {target: 80}]']],
  ['scale', ['1', '"2"', '0o2']],
  ['deploy', ['{replicas: 2}', '{labels: [a=b]}']],
  ['<<', ['*a', '[*a, {image: b}]', '{build: .}']],
];

const TOP: typeof BUILD = [
  ['secrets', ['{s: {file: ./s}, e: {environment: V}}', '{s: {external: true}, e: {environment: N}}']],
  ['include', ['[other.yaml]', '[{path: compose.yaml}]', '[]']],
  ['name', ['a', 'A B', '"${V:-x}"']],
  ['networks', ['{a: , b: {external: {name: c}}}']],
  ['x-any', ['&a {image: c}', '!reset {a: b}']],
];

const SCALARS = [
  '""', '~', 'true', 'no', '-1', '0x1f', '0o17', '010', '1_000', '1e3', '.inf', '-.NaN', '2001-02-03', '12:30:45', 'web', '.', 'a=b=c',
  '99999999999999999999', '1.5', '"a\\n\\u00e9"', "'it''s'", 'service:web', 'git@h:a', '1.2.3.4', '5gb', '"${V}"', '"${V:-x}"', 'é😀',
  '"${N:?why}"', '"${V:+${N-y}}"', '"$V$$"', '"${"', '"${N:-{}}"', '"*"', '!!binary YQ==', '!!binary a', '!!int x', '!!str 1', '!own 1',
]; // prettier-ignore
const TAGS = [
  '!reset ',
  '!override ',
  '!!map ',
  '!!seq ',
  '!!set ',
  '!!omap ',
  '!!pairs ',
  '!own ',
  '! ',
  '&a ',
  '&b ',
];
const ALL = [...BUILD, ...SERVICE, ...TOP];

/** A value on one line, with tags, anchors and aliases; mostly it means nothing. */
export function randomYaml(draw: Draw, depth = 3): string {
  const { below, chance, pick } = draw;
  const inner = (): string => randomYaml(draw, depth - 1);
  const pair = (): string => `${pick(ALL, ALL[0])?.[0] ?? ''}: ${inner()}`;
  const mark = chance(0.1) ? pick(TAGS, '') : '';
  if (chance(0.02)) return `*${pick(['a', 'b', 'c'], 'a')}`;
  if (depth <= 0 || chance(0.4)) return `${mark}${pick(SCALARS, '')}`;
  if (chance(0.4)) return `${mark}[${Array.from({ length: below(4) }, chance(0.7) ? inner : pair).join(', ')}]`;
  return `${mark}{${Array.from({ length: below(4) }, pair).join(', ')}}`;
}

/** A Compose file whose keys are known, and whose values mostly are such as they may have. */
export function randomCompose(draw: Draw): string {
  const { below, chance, pick } = draw;
  const some = (rows: typeof BUILD, indent: string, probability: number): string =>
    rows
      .filter(() => chance(probability))
      .map(([key, values]) => `${indent}${key}: ${chance(0.95) ? pick(values, '') : randomYaml(draw)}\n`)
      .join('');
  const services = ['web', 'api', 'a.b', 'a_b', 'base'].slice(0, 1 + below(5)).map((name) => {
    const build = chance(0.8) ? `    build:\n      context: .\n${some(BUILD, '      ', 0.15)}` : '';
    return `  ${name}:\n    image: x\n${build}${some(SERVICE.slice(1), '    ', 0.1)}`;
  });
  const document = `${chance(0.5) ? 'x-a: &a {image: d}\n' : ''}services:\n${services.join('')}${some(TOP, '', 0.2)}`;
  return chance(0.1) ? `${document}---\n${randomCompose(draw)}` : document;
}
