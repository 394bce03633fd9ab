import type { Diagnostic } from '../diagnostic.ts';
import { bounded } from '../hcl/budget.ts';
import { jsonText } from '../hcl/functions/json-text.ts';
import { describeType } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { compareText } from '../hcl/value.ts';
import type { Result } from '../result.ts';
import { ok } from '../result.ts';
import type { DefinitionInput } from './read.ts';
import { readDefinition } from './read.ts';

/** A target or group as a list shows it. */
export interface ListedTarget {
  readonly name: string;
  /** For a group also what is in it. */
  readonly description?: string;
  readonly group?: true;
}

/** A variable as a list shows it, with the value it has in this environment. */
export interface ListedVariable {
  readonly name: string;
  readonly description?: string;
  /** In words, where the definition declares one. */
  readonly type?: string;
  /** Absent: null. */
  readonly value?: string;
}

/** What a definition offers, sorted by name. */
export interface DefinitionList {
  /** Without those whose names begin with `_`. */
  readonly targets: readonly ListedTarget[];
  readonly variables: readonly ListedVariable[];
}

/**
 * What a definition offers to build and to set (buildx `commands/bake.go`, `printTargetList`, `printVars`). The whole
 * definition is evaluated for it; fails with what is wrong there.
 */
export async function listDefinition(input: DefinitionInput): Promise<Result<DefinitionList, readonly Diagnostic[]>> {
  const definition = await bounded(() => readDefinition(input));
  if (!definition.ok) return definition;
  const { targets, groups, globals } = definition.value.evaluated;
  const listed: ListedTarget[] = [];
  for (const { name, description } of targets.values()) listed.push({ name, ...described(description) });
  for (const { name, description, targets: members } of groups.values()) {
    const names = [...(members ?? [])].sort(compareText).join(', ');
    const text = description === undefined || description === '' ? names : `${description} (${names})`;
    listed.push({ name, ...described(text), group: true });
  }
  const variables = globals.variables().map(({ name, description, type, value }): ListedVariable => ({
    name,
    ...described(description),
    ...(type === undefined ? {} : { type: describeType(type) }),
    ...valueOf(value),
  }));
  return ok({
    targets: byName(listed.filter(({ name }) => !name.startsWith('_'))),
    variables: byName(variables),
  });
}

function described(description: string | undefined): { readonly description?: string } {
  return description === undefined || description === '' ? {} : { description };
}

function valueOf(value: Value): { readonly value?: string } {
  if (value.is === 'null') return {};
  return { value: value.is === 'string' ? value.value : jsonText(value) };
}

function byName<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  return [...all].sort((a, b) => compareText(a.name, b.name));
}
