import type { SourceFile } from '../source.ts';
import type { LoadContext } from './context.ts';
import { ComposeError } from './error.ts';
import { child, textOf } from './node.ts';
import { interpolate, problemText } from './template.ts';
import { readYaml } from './yaml.ts';

/** A project's name as Compose writes it: lower case, and only what may be in the name of a container. */
export function normalizedName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}

/** The last top-level `name` of the files, variables replaced; undefined when no file has one. */
export function nameInFiles(
  files: readonly SourceFile[],
  { environment, onUnset }: Pick<LoadContext, 'environment' | 'onUnset'>,
): string | undefined {
  const named = files.flatMap(readYaml).flatMap((root) => {
    const node = child(root, 'name');
    const text = textOf(node);
    return node === undefined || text === undefined || text === '' ? [] : [{ node, text }];
  });
  const last = named.at(-1);
  if (last === undefined) return undefined;
  const name = interpolate(last.text, { get: (variable) => environment.get(variable), onUnset });
  if (name.ok) return name.value === '' ? undefined : name.value;
  throw new ComposeError({
    reason: 'invalid-template',
    message: `error while interpolating name: ${problemText(name.failure)}`,
    hint: name.failure.is === 'required' ? `set ${name.failure.name}` : 'write $$ for a dollar sign',
    span: last.node.span,
  });
}
