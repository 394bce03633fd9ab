import type { Flag } from '../flags.ts';

const PASSED_OVER = 'Taken for the sake of docker, without effect';

function passedOver(kind: Flag['kind']): (name: string) => Flag {
  return (name) => ({ name, kind, help: PASSED_OVER, hidden: true });
}

/** Every flag of `docker buildx build` and of Depot's build; what is not built yet is refused in build.ts, by name. */
export const BUILD_FLAGS: readonly Flag[] = [
  { name: 'add-host', kind: 'list', value: 'HOST:IP', help: 'Add a host and its address to /etc/hosts of the steps' },
  {
    name: 'allow',
    kind: 'list',
    value: 'ENTITLEMENT',
    help: 'Allow network.host, security.insecure, device or buildx.local.delete',
  },
  { name: 'annotation', kind: 'list', value: 'KEY=VALUE', help: 'Add an annotation to the image' },
  { name: 'attest', kind: 'list', value: 'ATTESTATION', help: 'Add an attestation, such as type=sbom' },
  { name: 'build-arg', kind: 'list', value: 'NAME=VALUE', help: 'Set a build argument; NAME alone is the variable' },
  { name: 'build-context', kind: 'list', value: 'NAME=SOURCE', help: 'Name a further context: a folder, URL or image' },
  { name: 'build-platform', kind: 'text', value: 'PLATFORM', help: 'Run the build on this platform', hidden: true },
  { name: 'builder', kind: 'text', value: 'NAME', help: 'Use another builder' },
  { name: 'cache-from', kind: 'list', value: 'CACHE', help: 'Take cache from elsewhere' },
  { name: 'cache-to', kind: 'list', value: 'CACHE', help: 'Put the cache elsewhere' },
  { name: 'call', kind: 'text', value: 'METHOD', help: 'Evaluate the build in another way (check, outline, targets)' },
  { name: 'cgroup-parent', kind: 'text', value: 'GROUP', help: 'Control group under which the steps run' },
  { name: 'check', kind: 'switch', help: 'Short for --call=check' },
  {
    name: 'file',
    short: 'f',
    kind: 'text',
    value: 'FILE',
    help: 'The Dockerfile (default: PATH/Dockerfile); - is stdin',
  },
  { name: 'iidfile', kind: 'text', value: 'FILE', help: 'Write the image ID to a file' },
  { name: 'label', kind: 'list', value: 'NAME=VALUE', help: 'Add a label to the image' },
  { name: 'lint', kind: 'switch', help: 'Lint the Dockerfile before building' },
  {
    name: 'lint-fail-on',
    kind: 'text',
    value: 'LEVEL',
    help: 'Findings that keep the build from beginning: info, warn, error, none',
  },
  { name: 'load', kind: 'switch', help: 'Short for --output=type=docker' },
  {
    name: 'load-platform',
    kind: 'text',
    value: 'PLATFORM',
    help: 'Which image of several platforms a builder gives to Docker (its own), or all',
  },
  { name: 'metadata-file', kind: 'text', value: 'FILE', help: 'Write the result to a file, as JSON' },
  { name: 'network', kind: 'text', value: 'MODE', help: 'Network of the steps: default, none, host' },
  { name: 'no-cache', kind: 'switch', help: 'Do not use the cache' },
  { name: 'no-cache-filter', kind: 'list', value: 'STAGE', help: 'Do not use the cache for this stage' },
  {
    name: 'output',
    short: 'o',
    kind: 'list',
    value: 'OUTPUT',
    help: 'Where the result goes, such as type=local,dest=out',
  },
  { name: 'platform', kind: 'list', value: 'PLATFORM', help: 'Platform to build for; may repeat' },
  { name: 'print', kind: 'text', value: 'METHOD', help: 'Old name of --call', hidden: true },
  { name: 'progress', kind: 'text', value: 'MODE', help: 'How to show progress: auto, plain, quiet, rawjson, none' },
  { name: 'project', kind: 'text', value: 'ID', help: 'Depot project', hidden: true },
  { name: 'provenance', kind: 'text', value: 'VALUE', help: 'Short for --attest=type=provenance' },
  { name: 'pull', kind: 'switch', help: 'Always ask the registries for newer base images' },
  { name: 'push', kind: 'switch', help: 'Short for --output=type=registry' },
  { name: 'quiet', short: 'q', kind: 'switch', help: 'Show nothing but the image ID at the end' },
  { name: 'save', kind: 'switch', help: 'Keep the image in the ephemeral registry', hidden: true },
  { name: 'save-tag', kind: 'text', help: 'Tag in the ephemeral registry', hidden: true },
  { name: 'sbom', kind: 'text', value: 'VALUE', help: 'Short for --attest=type=sbom' },
  { name: 'sbom-dir', kind: 'text', help: 'Folder for SBOMs', hidden: true },
  { name: 'secret', kind: 'list', value: 'SECRET', help: 'Secret for steps that mount it, such as id=npm,src=.npmrc' },
  { name: 'shm-size', kind: 'text', value: 'BYTES', help: 'Shared memory of the steps' },
  {
    name: 'ssh',
    kind: 'list',
    value: 'AGENT',
    help: 'ssh agent or keys for steps that mount them: default, NAME=SOCKET, NAME=KEY,KEY',
  },
  { name: 'tag', short: 't', kind: 'list', value: 'NAME', help: 'Name of the image, with a tag; may repeat' },
  { name: 'target', kind: 'text', value: 'STAGE', help: 'Stage of the Dockerfile to build' },
  { name: 'token', kind: 'text', value: 'TOKEN', help: 'Depot token', hidden: true },
  { name: 'ulimit', kind: 'list', value: 'NAME=SOFT[:HARD]', help: 'Limit of the steps' },
  ...(['compress', 'force-rm', 'rm', 'squash', 'suppress-no-output-warning'] as const).map(passedOver('switch')),
  ...(['cpu-period', 'cpu-quota', 'cpuset-cpus', 'cpuset-mems', 'isolation', 'memory-swap'] as const).map(
    passedOver('text'),
  ),
  { name: 'cpu-shares', short: 'c', kind: 'text', help: PASSED_OVER, hidden: true },
  { name: 'memory', short: 'm', kind: 'text', help: PASSED_OVER, hidden: true },
  { name: 'security-opt', kind: 'list', help: PASSED_OVER, hidden: true },
];

/** Flags that are read but not built yet; asking for one is refused. */
export const NOT_YET: readonly string[] = ['build-platform', 'project', 'save', 'save-tag', 'sbom-dir', 'token'];

/** What docker's old flags come to, where there is something to say. */
export const OLD_FLAGS: ReadonlyMap<string, string> = new Map([
  ['isolation', '--isolation has no effect with BuildKit'],
  [
    'security-opt',
    '--security-opt has no effect with BuildKit; RUN --security=insecure with --allow security.insecure has',
  ],
  ['squash', '--squash has no effect with BuildKit; a last stage with one COPY --from makes one layer'],
]);
