import { cleanPath } from '../clean-path.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { sizeBytes } from '../options/checks.ts';
import type { Span } from '../source.ts';
import type { Node } from './node.ts';
import { child, itemsOf, textOf } from './node.ts';
import { scalarText } from './scalar.ts';
import type { ComposeService } from './service.ts';

/** The places where a service may say the same limit, the short one and that under `deploy`. */
const LIMITS: readonly (readonly [
  short: string,
  long: readonly string[],
  read: (text: string) => number | undefined,
])[] = [
  ['scale', ['deploy', 'replicas'], number],
  ['cpus', ['deploy', 'resources', 'limits', 'cpus'], number],
  ['mem_limit', ['deploy', 'resources', 'limits', 'memory'], sizeBytes],
  ['mem_reservation', ['deploy', 'resources', 'reservations', 'memory'], sizeBytes],
  ['pids_limit', ['deploy', 'resources', 'limits', 'pids'], number],
];

/** What contradicts itself in how services run (compose-go `loader/validate.go`): limits, numbers, names of containers. */
export function limitProblems(services: readonly ComposeService[]): readonly Diagnostic[] {
  return services.flatMap((service) => [
    ...contradictions(service),
    ...sharedNames(service),
    ...sharedMounts(service),
    ...targetlessWatches(service),
  ]);
}

function number(text: string): number | undefined {
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}

function contradictions({ name, node }: ComposeService): readonly Diagnostic[] {
  return LIMITS.flatMap(([short, long, read]) => {
    const one = child(node, short);
    const other = long.reduce<Node | undefined>(child, node);
    const values = [one, other].map((value) => (value?.is === 'scalar' ? read(scalarText(value.value)) : undefined));
    if (one === undefined || values.includes(undefined) || values[0] === values[1]) return [];
    const message = `services.${name}: can't set distinct values on '${short}' and '${long.join('.')}'`;
    return [problem(message, 'keep one of them', one.span)];
  });
}

/** A container's name is for one container. */
function sharedNames({ name, node }: ComposeService): readonly Diagnostic[] {
  const said = child(node, 'container_name');
  const count = ['scale', 'replicas'].find((key) => Number(scaleOf(node, key)) > 1);
  if (said === undefined || count === undefined) return [];
  const where = count === 'scale' ? 'scale' : 'deploy.replicas';
  const message = `services.${name}: can't set container_name and ${where} as container name must be unique`;
  return [problem(message, 'take out the name, or run one', said.span)];
}

/** One place in the container holds one mount. Volumes among themselves have been merged by then. */
function sharedMounts({ name, node }: ComposeService): readonly Diagnostic[] {
  const taken = new Map<string, string>();
  const mounts = (['tmpfs', 'volumes'] as const).flatMap((key) =>
    itemsOf(child(node, key)).map((mount, at) => {
      const target = key === 'tmpfs' ? textOf(mount)?.split(':', 1)[0] : mountTarget(mount);
      return { where: `services.${name}.${key}[${at}]`, target, span: mount.span };
    }),
  );
  return mounts.flatMap(({ where, target, span }) => {
    const earlier = target === undefined ? undefined : taken.get(target);
    if (target !== undefined && earlier === undefined) taken.set(target, where);
    if (earlier === undefined) return [];
    return [problem(`${where}: target ${target} already mounted as ${earlier}`, 'mount it once', span)];
  });
}

function mountTarget(mount: Node): string | undefined {
  const text = textOf(mount);
  const target = text === undefined ? textOf(child(mount, 'target')) : shortTarget(text);
  return target === undefined || target === '' ? undefined : cleanPath(target);
}

function shortTarget(text: string): string | undefined {
  const parts = text.replace(/^[A-Za-z]:(?=[\\/])/, (drive) => drive.replace(':', '')).split(':');
  return parts.length === 1 ? parts[0] : parts[1];
}

function targetlessWatches({ name, node }: ComposeService): readonly Diagnostic[] {
  return itemsOf(child(child(node, 'develop'), 'watch'))
    .filter((watch) => (textOf(child(watch, 'target')) ?? '') === '')
    .filter((watch) => !['rebuild', 'restart'].includes(textOf(child(watch, 'action')) ?? ''))
    .map(({ span }) =>
      problem(
        `services.${name}.develop.watch: target is required for non-rebuild actions`,
        'write target: PATH, where the files go in the container',
        span,
      ),
    );
}

function scaleOf(node: Node, key: string): string {
  const value = key === 'scale' ? child(node, key) : child(child(node, 'deploy'), key);
  return value?.is === 'scalar' ? scalarText(value.value) : '';
}

function problem(message: string, hint: string, span: Span): Diagnostic {
  return { reason: 'inconsistent', message, hint, span };
}
