import type { Flag } from '../flags.ts';

/** Flags of `docker compose` itself, in front of its word. */
export const COMPOSE_FLAGS: readonly Flag[] = [
  { name: 'file', short: 'f', kind: 'list', value: 'FILE', help: 'Compose file; may repeat; - is stdin' },
  { name: 'project-name', short: 'p', kind: 'text', value: 'NAME', help: 'Name of the project' },
  { name: 'project-directory', kind: 'text', value: 'DIR', help: 'Where relative paths start' },
  { name: 'workdir', kind: 'text', help: 'Old name of --project-directory', hidden: true },
  { name: 'env-file', kind: 'list', value: 'FILE', help: 'Read variables from this file instead of .env; may repeat' },
  { name: 'profile', kind: 'list', value: 'NAME', help: 'Take in services of this profile; may repeat' },
  { name: 'progress', kind: 'text', value: 'MODE', help: 'How to show progress: auto, tty, plain, json, quiet' },
  { name: 'ansi', kind: 'text', value: 'WHEN', help: 'Control characters: never, always, auto' },
  { name: 'parallel', kind: 'text', value: 'N', help: 'Taken for docker compose; builds run all at once' },
  { name: 'compatibility', kind: 'switch', help: 'Name images with _ between project and service' },
  { name: 'dry-run', kind: 'switch', help: 'Tell what would be done, and do nothing' },
  { name: 'all-resources', kind: 'switch', help: 'Taken for docker compose', hidden: true },
  { name: 'verbose', kind: 'switch', help: 'Taken for docker compose', hidden: true },
  { name: 'insecure-registry', kind: 'list', help: 'Taken for docker compose', hidden: true },
];

/** Flags of `docker compose build`. */
export const COMPOSE_BUILD_FLAGS: readonly Flag[] = [
  { name: 'build-arg', kind: 'list', value: 'NAME[=VALUE]', help: 'Set a build argument of every service; may repeat' },
  { name: 'builder', kind: 'text', value: 'NAME', help: 'Use another builder' },
  { name: 'check', kind: 'switch', help: 'Check the Dockerfiles, and build nothing' },
  { name: 'memory', short: 'm', kind: 'text', value: 'BYTES', help: 'Taken for docker compose; has no effect' },
  { name: 'no-cache', kind: 'switch', help: 'Do not use the cache' },
  { name: 'print', kind: 'switch', help: 'Print what would be built as a bake file, and build nothing' },
  { name: 'provenance', kind: 'text', value: 'VALUE', help: 'Add provenance to the images' },
  { name: 'pull', kind: 'switch', help: 'Always ask the registries for newer base images' },
  { name: 'push', kind: 'switch', help: 'Push the images of services that have image:' },
  { name: 'quiet', short: 'q', kind: 'switch', help: 'Say nothing' },
  { name: 'sbom', kind: 'text', value: 'VALUE', help: 'Add a bill of materials to the images' },
  { name: 'ssh', kind: 'text', value: 'default|ID=PATH', help: 'Forward an ssh agent or key' },
  { name: 'with-dependencies', kind: 'switch', help: 'Build what the services depend on as well' },
  { name: 'progress', kind: 'text', help: 'Old place of compose --progress', hidden: true },
  { name: 'parallel', kind: 'switch', help: 'Has no effect', hidden: true },
  { name: 'compress', kind: 'switch', help: 'Has no effect', hidden: true },
  { name: 'force-rm', kind: 'switch', help: 'Has no effect', hidden: true },
  { name: 'no-rm', kind: 'switch', help: 'Has no effect', hidden: true },
];
