import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import type { Span } from '../source.ts';
import { buildProblems, emptySecrets, emptyServices } from './consistency.ts';
import { upToMost } from './error.ts';
import { limitProblems } from './limits.ts';
import type { MapNode, Node } from './node.ts';
import { child, entriesOf, itemsOf, textOf } from './node.ts';
import type { ComposeModel, ComposeService } from './service.ts';

/** What does not fit together in the enabled services of a project (compose-go `loader/validate.go`, `graph/cycle.go`). */
export function projectProblems(
  root: MapNode,
  model: ComposeModel,
  enabled: readonly ComposeService[],
): readonly Diagnostic[] {
  const available = new Set(enabled.map(({ name }) => name));
  const found = [
    ...emptyServices(enabled, ({ node }) => child(node, 'provider') !== undefined),
    ...buildProblems(model, enabled),
    ...emptySecrets(model),
    ...upToMost(enabled, (service) => serviceProblems(service, root, model, available)),
    ...limitProblems(enabled),
  ];
  return found.length > 0 ? found : cycleProblem(enabled);
}

function problem(message: string, hint: string, span: Span): Diagnostic {
  return { reason: 'inconsistent', message, hint, span };
}

function serviceProblems(
  service: ComposeService,
  root: MapNode,
  model: ComposeModel,
  available: ReadonlySet<string>,
): readonly Diagnostic[] {
  const { node, build, platform } = service;
  const name = JSON.stringify(service.name);
  const found: Diagnostic[] = [];
  const platforms = build?.platforms ?? [];
  if (platform !== '' && platforms.length > 0 && !platforms.includes(platform)) {
    const span = build?.places.get('platforms') ?? service.span;
    found.push(
      problem(
        `service.build.platforms MUST include service.platform ${JSON.stringify(platform)}`,
        `add ${platform} to the platforms`,
        span,
      ),
    );
  }
  const mode = child(node, 'network_mode');
  if (mode !== undefined && entriesOf(child(node, 'networks')).length > 0) {
    found.push(
      problem(
        `service ${service.name} declares mutually exclusive \`network_mode\` and \`networks\``,
        'keep one of them',
        mode.span,
      ),
    );
  }
  const test = child(child(node, 'healthcheck'), 'test');
  const first = itemsOf(test)[0];
  if (first !== undefined && !['CMD', 'CMD-SHELL', 'NONE'].includes(textOf(first) ?? '')) {
    found.push(
      problem(
        'healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"',
        'write ["CMD", "program", "argument"]',
        first.span,
      ),
    );
  }
  for (const { kind, name: used, span } of uses(node)) {
    const section = child(root, `${kind}s`);
    const known = entriesOf(section).map(([key]) => key);
    if (known.includes(used) || (kind === 'network' && used === 'default')) continue;
    found.push(
      problem(
        `service ${name} refers to undefined ${kind} ${used}`,
        didYouMean(used, known, `declare it under ${kind}s: at the top level`),
        span,
      ),
    );
  }
  for (const { name: needed, required, span } of service.dependsOn) {
    if (!required || available.has(needed)) continue;
    const why = model.services.has(needed) ? 'its profile is not active' : 'there is no such service';
    found.push(
      problem(
        `service ${name} depends on undefined service ${JSON.stringify(needed)}`,
        didYouMean(needed, model.services.keys(), why),
        span,
      ),
    );
  }
  return found;
}

interface Use {
  readonly kind: 'network' | 'volume' | 'secret' | 'config' | 'model';
  readonly name: string;
  readonly span: Span;
}

function uses(node: Node): readonly Use[] {
  const named = (kind: Use['kind'], key: string): readonly Use[] =>
    entriesOf(child(node, key)).map(([name, entry]) => ({ kind, name, span: entry.key }));
  const sources = (kind: Use['kind'], key: string): readonly Use[] =>
    itemsOf(child(node, key)).flatMap((item) => {
      const source = child(item, 'source');
      const name = textOf(source);
      return source === undefined || name === undefined ? [] : [{ kind, name, span: source.span }];
    });
  const volumes = itemsOf(child(node, 'volumes')).flatMap((item): readonly Use[] => {
    const name = volumeName(item);
    return name === undefined ? [] : [{ kind: 'volume', name, span: item.span }];
  });
  return [
    ...named('network', 'networks'),
    ...named('model', 'models'),
    ...volumes,
    ...sources('secret', 'secrets'),
    ...sources('config', 'configs'),
  ];
}

/** The named volume that a mount uses; undefined for folders and for volumes without a name. */
function volumeName(mount: Node): string | undefined {
  const text = textOf(mount);
  if (text === undefined) {
    const source = textOf(child(mount, 'source'));
    return textOf(child(mount, 'type')) === 'volume' && source !== '' ? source : undefined;
  }
  const parts = text.split(':');
  const [source = ''] = parts;
  const isFolder = /^[./~\\]/.test(source) || /^[A-Za-z]$/.test(source);
  return parts.length < 2 || isFolder || source === '' ? undefined : source;
}

/** The first circle of `depends_on`. */
function cycleProblem(enabled: readonly ComposeService[]): readonly Diagnostic[] {
  const byName = new Map(enabled.map((service) => [service.name, service] as const));
  const done = new Set<string>();
  for (const start of byName.keys()) {
    const stack: { readonly name: string; at: number }[] = [{ name: start, at: 0 }];
    const open = new Set([start]);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = done.has(top.name) ? undefined : byName.get(top.name)?.dependsOn[top.at++];
      if (next === undefined) {
        done.add(top.name);
        open.delete(top.name);
        stack.pop();
      } else if (open.has(next.name)) {
        const names = stack.map(({ name }) => name);
        const circle = [...names.slice(names.indexOf(next.name)), next.name].join(' -> ');
        return [
          problem(`dependency cycle detected: ${circle}`, 'one of them must start without the others', next.span),
        ];
      } else if (byName.has(next.name)) {
        open.add(next.name);
        stack.push({ name: next.name, at: 0 });
      }
    }
  }
  return [];
}
