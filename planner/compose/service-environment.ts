import type { Diagnostic } from '../diagnostic.ts';
import type { LoadContext } from './context.ts';
import { readNamed } from './context.ts';
import { parseEnvFile } from './env-file.ts';
import { ComposeError } from './error.ts';
import { child, itemsOf, textOf } from './node.ts';
import type { ComposeModel, ComposeService } from './service.ts';

/**
 * The variables of a service that have a value: `environment` first, then its env files, the later over the earlier
 * (compose-go `types/project.go`, `WithServicesEnvironmentResolved`). Throws {@link ComposeError} for files that are not
 * there or cannot be read.
 */
export function serviceEnvironment(service: ComposeService, context: LoadContext): ReadonlyMap<string, string> {
  const own = new Map<string, string>();
  for (const [name, value] of service.environment) {
    const resolved = value ?? context.environment.get(name);
    if (resolved !== undefined) own.set(name, resolved);
  }
  const fromFiles = new Map<string, string>();
  for (const { path, required, format, span } of service.envFiles) {
    if (format !== '' && format !== '.env') {
      throw new ComposeError({
        reason: 'unsupported',
        message: `unsupported env_file format ${JSON.stringify(format)}`,
        hint: 'take out format:',
        span,
      });
    }
    if (context.fs.kind(path) === undefined) {
      if (!required) continue;
      throw new ComposeError({
        reason: 'missing-file',
        message: `env file ${path} not found: stat ${path}: no such file or directory`,
        hint: 'create it, or write required: false',
        span,
      });
    }
    const parsed = parseEnvFile(readNamed(context, path, span), {
      get: (name) => context.environment.get(name) ?? own.get(name) ?? fromFiles.get(name),
      onUnset: context.onUnset,
    });
    if (!parsed.ok) throw new ComposeError(parsed.failure);
    for (const [name, value] of parsed.value) fromFiles.set(name, value);
  }
  return new Map([...fromFiles, ...own]);
}

/** What is wrong with the label files of a service (compose-go `types/project.go`, `WithServicesLabelsResolved`). */
export function labelFileProblems({ node }: ComposeService, context: LoadContext): readonly Diagnostic[] {
  const labels = new Map<string, string>();
  return itemsOf(child(node, 'label_file')).flatMap((item) => {
    const path = textOf(item);
    if (path === undefined) return [];
    if (context.fs.kind(path) === undefined) {
      const message = `label file ${path} not found: stat ${path}: no such file or directory`;
      return [{ reason: 'missing-file', message, hint: 'create it, or take out label_file:', span: item.span }];
    }
    const parsed = parseEnvFile(readNamed(context, path, item.span), {
      get: (name) => labels.get(name),
      onUnset: context.onUnset,
    });
    if (!parsed.ok) return [parsed.failure];
    for (const [name, value] of parsed.value) labels.set(name, value);
    return [];
  });
}

/** The variables that the secrets of a model are taken from, where they are set. */
export function secretVariables(
  { secrets }: ComposeModel,
  environment: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const used = [...secrets.values()].flatMap(({ environment: name }): (readonly [string, string])[] => {
    const value = environment.get(name);
    return name === '' || value === undefined ? [] : [[name, value]];
  });
  return new Map(used);
}
