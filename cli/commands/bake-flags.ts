import type { Flag } from '../flags.ts';

/** Every flag of `docker buildx bake` and of Depot's bake; what is not built yet is refused in bake.ts, by name. */
export const BAKE_FLAGS: readonly Flag[] = [
  {
    name: 'allow',
    kind: 'list',
    value: 'ENTITLEMENT',
    help: 'Allow builds to use resources (network.host, fs.read=PATH, ...)',
  },
  { name: 'builder', kind: 'text', value: 'NAME', help: 'Use another builder' },
  { name: 'call', kind: 'text', value: 'METHOD', help: 'Evaluate the build in another way (check, outline, targets)' },
  { name: 'check', kind: 'switch', help: 'Short for --call=check' },
  { name: 'file', short: 'f', kind: 'list', value: 'FILE', help: 'Definition file; may repeat; - is stdin' },
  { name: 'lint', kind: 'switch', help: 'Lint the Dockerfiles before building' },
  {
    name: 'lint-fail-on',
    kind: 'text',
    value: 'LEVEL',
    help: 'Findings that keep the build from beginning: info, warn, error, none',
  },
  { name: 'list', kind: 'text', value: 'KIND', help: 'List targets or variables' },
  { name: 'list-targets', kind: 'switch', help: 'List targets', hidden: true },
  { name: 'list-variables', kind: 'switch', help: 'List variables', hidden: true },
  { name: 'load', kind: 'switch', help: 'Load the images into the local Docker' },
  {
    name: 'load-platform',
    kind: 'text',
    value: 'PLATFORM',
    help: 'Which image of several platforms a builder gives to Docker (its own), or all',
  },
  { name: 'metadata-file', kind: 'text', value: 'FILE', help: 'Write the results to a file, as JSON' },
  { name: 'no-cache', kind: 'switch', help: 'Do not use the cache' },
  { name: 'policy', kind: 'list', value: 'POLICY', help: 'Source policy', hidden: true },
  { name: 'print', kind: 'switch', help: 'Print what would be built, and build nothing' },
  { name: 'progress', kind: 'text', value: 'MODE', help: 'How to show progress: auto, plain, quiet, rawjson, none' },
  { name: 'project', kind: 'text', value: 'ID', help: 'Depot project', hidden: true },
  { name: 'provenance', kind: 'text', value: 'VALUE', help: 'Short for --set=*.attest=type=provenance' },
  { name: 'pull', kind: 'switch', help: 'Always ask the registries for newer base images' },
  { name: 'push', kind: 'switch', help: 'Push the images to their registries' },
  { name: 'save', kind: 'switch', help: 'Keep the images in the ephemeral registry', hidden: true },
  { name: 'save-tag', kind: 'text', help: 'Tag in the ephemeral registry', hidden: true },
  { name: 'sbom', kind: 'text', value: 'VALUE', help: 'Short for --set=*.attest=type=sbom' },
  { name: 'sbom-dir', kind: 'text', help: 'Folder for SBOMs', hidden: true },
  { name: 'set', kind: 'list', value: 'TARGET.KEY=VALUE', help: 'Override a value of targets; may repeat' },
  { name: 'var', kind: 'list', value: 'NAME=VALUE', help: 'Set a variable; may repeat' },
];

/** Flags that are read but not built yet; asking for one is refused. */
export const NOT_YET: readonly string[] = ['policy', 'project', 'save', 'save-tag', 'sbom-dir'];
