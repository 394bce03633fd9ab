import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { PeerRun, Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { ImageMaker } from '../rig/registry-image.ts';
import type { TestRegistry } from '../rig/registry.ts';
import { testRegistry } from '../rig/registry.ts';

let registry: TestRegistry;
let programs: Peers;
let digests: Readonly<Record<string, string>>;

beforeAll(async () => {
  const engine = await sharedEngine();
  programs = await peers({ dockerHost: engine.dockerHost });
  registry = await testRegistry();
  digests = await images(registry.host);
}, 600_000);

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await programs[Symbol.asyncDispose]();
});

const PROVENANCE = {
  buildType: 'https://mobyproject.org/buildkit@v1',
  metadata: { 'z<b>&': [1, 1.5, 1e21, 1000000, null, true], a: { b: '\u2028' } },
  buildConfig: {},
};
const SPDX = {
  spdxVersion: 'SPDX-2.3',
  packages: [
    { name: 'busybox', versionInfo: '1.36' },
    { name: 'zlib', versionInfo: '1.3' },
  ],
};

async function images(host: string): Promise<Readonly<Record<string, string>>> {
  await using maker = new ImageMaker(host, 'app');
  const config = {
    created: '2026-01-02T03:04:05.120000000+00:00',
    author: 'Ada <ada@example.org>',
    architecture: 'amd64',
    os: 'linux',
    nobody: 'knows this',
    config: {
      Env: ['PATH=/bin', 'A=b&c'],
      Cmd: ['sh'],
      Labels: { z: '1', a: 'ü\u2029' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: {},
      Healthcheck: { Test: ['CMD'] },
    },
    rootfs: { type: 'layers', diff_ids: ['sha256:0000000000000000000000000000000000000000000000000000000000000000'] },
    history: [
      { created: '2026-01-02T03:04:05+02:00', created_by: 'COPY a b', comment: 'x' },
      { created: '2026-01-02T03:04:06.5Z', created_by: 'CMD ["sh"]', empty_layer: true },
    ],
  };
  const amd64 = await maker.image(config, { tag: 'single' });
  const arm = await maker.image({
    architecture: 'arm',
    variant: 'v7',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: null },
  });
  const windows = await maker.image({ architecture: 'amd64', os: 'windows', config: {}, rootfs: { type: 'layers' } });
  const docker = await maker.image(config, { tag: 'docker', isDocker: true });
  const proof = await maker.attestation(amd64.digest, [
    { type: 'https://slsa.dev/provenance/v0.2', predicate: PROVENANCE },
    { type: 'https://spdx.dev/Document', predicate: SPDX },
  ]);
  const more = await maker.attestation(arm.digest, [
    { type: 'https://spdx.dev/Document', predicate: { a: 1 } },
    { type: 'https://spdx.dev/Document', predicate: { b: 2 } },
  ]);
  const linux = { ...amd64, platform: { architecture: 'amd64', os: 'linux' } };
  const many = [
    { ...linux, annotations: { 'org.example.one': 'only one' } },
    {
      ...arm,
      platform: { architecture: 'arm', os: 'linux', variant: 'v7' },
    },
    {
      ...windows,
      platform: { architecture: 'amd64', os: 'windows', 'os.version': '10.0.17763.1', 'os.features': ['x', 'y'] },
    },
    proof,
    more,
  ];
  const index = await maker.index(many, { tag: 'many', annotations: { 'org.example.index': 'a<b' } });
  await maker.index([linux, proof], { tag: 'proven' });
  await maker.index([{ ...docker, platform: { architecture: 'amd64', os: 'linux' } }], { tag: 'list', isDocker: true });
  await maker.index([{ ...linux, urls: ['http://127.0.0.1:1/a', 'http://127.0.0.1:1/b'] }], { tag: 'elsewhere' });
  await maker.index([], { tag: 'empty' });
  await maker.index([{ ...amd64 }], { tag: 'nameless' });
  return { single: amd64.digest, many: index.digest };
}

const FORMATS = [
  '{{.Name}}',
  '{{.Manifest}}',
  '{{ .Manifest }}',
  '{{json .Manifest}}',
  '{{json .Image}}',
  '{{json .Provenance}}',
  '{{json .SBOM}}',
  '{{json .}}',
  'digest: {{(.Manifest).Digest}}\n{{println (len .Manifest.MediaType)}}',
  '{{- /* a comment */ -}} {{with .Manifest}}{{.Digest}} {{.Size}} {{.MediaType}}{{end}}',
  '{{json (index . "x")}}',
  '{{printf "%s %v %q %d %t" .Name 1 "a" 2 true}}{{print 1 2 "a" "b" 3}} {{1000000.0}} {{12.5}} {{0.00001}}',
  '{{if and .Name (eq .Name "no")}}a{{else if or false .Name}}b{{else}}c{{end}} {{not true}} {{lt 1 2}} {{ge "b" "a"}}',
  '{{$x := "1"}}{{if true}}{{$x = "2"}}{{$y := 3}}{{$y}}{{end}}{{$x}}',
  '{{.Manifest',
  '{{.Foo}}',
  '{{foo .}}',
  '{{if .Name}}',
  '{{end}}',
  '{{$nobody}}',
];

const OF_SINGLE = [
  '{{.Image.Config.Env}} {{.Image.Config.Labels}} {{.Image.Created}} {{.Image.OS}}/{{.Image.Architecture}}{{.Image.Variant}}',
  '{{range .Image.History}}{{.CreatedBy}} {{.Created}} {{.EmptyLayer}};{{end}}',
  '{{range $i, $e := .Image.Config.Env}}{{$i}}={{$e}} {{end}}{{range $k, $v := .Image.Config.Labels}}{{$k}}={{$v}} {{else}}none{{end}}',
  '{{index .Image.Config.Env 1}} {{len .Image.RootFS.DiffIDs}} {{index .Image.Config.Labels "nobody"}}|{{.Image.Config.Labels.nobody}}',
  '{{index .Image.Config.Env 9}}',
  '{{range .SBOM.SPDX.packages}}{{.name}}@{{.versionInfo}}{{println}}{{else}}nothing{{end}}',
  '{{json .Provenance.SLSA}} {{.Provenance.SLSA.buildType}}{{.Provenance.SLSA.metadata.nobody}}',
  '{{json .SBOM.SPDX}}{{json .SBOM.AdditionalSPDXs}}',
];

const OF_MANY = [
  '{{json (index .Image "linux/arm/v7")}}',
  '{{json (index .Image "linux/nobody")}}',
  '{{json (index .SBOM "linux/arm/v7").AdditionalSPDXs}} {{json (index .Provenance "linux/amd64").SLSA}}',
  '{{range $p, $i := .Image}}{{$p}}={{$i.OS}} {{end}}{{range .Manifest.Manifests}}{{.Digest}}{{with .Platform}} {{.OS}}{{end}};{{end}}',
  '{{range (index .SBOM "linux/amd64").SPDX.packages}}{{.name}} {{end}}',
];

function name(tag: string): string {
  return `${registry.host}/app${tag}`;
}

/** What depot and docker buildx print is the same, to the byte, and so is the exit code. */
async function expectSame(args: readonly string[]): Promise<void> {
  const [ours, theirs] = await Promise.all([
    depot(['images', 'inspect', ...args], { cwd: import.meta.dirname }),
    programs.run('buildx', ['imagetools', 'inspect', ...args]),
  ]);
  expect(seen(ours), `depot: ${ours.stderr}buildx: ${theirs.stderr}`).toEqual(seen(theirs));
}

/** What is printed before a failure is nobody's; docker buildx has annotations in another order each time. */
function seen({ stdout, exitCode }: PeerRun): Pick<PeerRun, 'stdout' | 'exitCode'> {
  if (exitCode !== 0) return { stdout: '', exitCode };
  return {
    stdout: stdout.replaceAll(/(?:^ {4}\S.*\n){2,}/gm, (lines) =>
      lines
        .split(/(?<=\n)/)
        .sort()
        .join(''),
    ),
    exitCode,
  };
}

describe.each([':single', ':docker', ':many', ':proven', ':list', ':empty', ':nameless'])('of %s', (tag) => {
  test.each([[], ['--raw'], ...FORMATS.map((format) => ['--format', format])])('inspect %s %s', async (...flags) => {
    await expectSame([...flags, name(tag)]);
  });
});

describe.each([':single', ':proven', ':docker'])('of %s', (tag) => {
  test.each(OF_SINGLE)('inspect --format %s', async (format) => {
    await expectSame(['--format', format, name(tag)]);
  });
});

test.each(OF_MANY)('of :many inspect --format %s', async (format) => {
  await expectSame(['--format', format, name(':many')]);
});

test('of an index, {{.Manifest.Digest}} is the digest, as in newer docker buildx', async () => {
  const run = await depot(['images', 'inspect', '--format', '{{.Manifest.Digest}}', name(':many')], { cwd: '/' });
  expect(run).toEqual({ exitCode: 0, stdout: digests['many'], stderr: '' });
});

test('inspect tells from where else an image can be had', () => expectSame([name(':elsewhere')]));

test.each(['', ':many', ':no'])('a digest behind %j is shown as it is by docker buildx', async (tag) => {
  await expectSame([name(`${tag}@${digests['many'] ?? ''}`)]);
});
