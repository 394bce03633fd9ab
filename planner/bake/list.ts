import type { Diagnostic } from '../diagnostic.ts';
import { bounded, withBudget } from '../hcl/budget.ts';
import { HclError } from '../hcl/error.ts';
import { jsonText } from '../hcl/functions/json-text.ts';
import { CallError } from '../hcl/scope.ts';
import { describeType } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { compareText } from '../hcl/value.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { EvaluatedVariable } from './globals.ts';
import type { DefinitionInput, ReadDefinition } from './read.ts';
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
  return bounded(async () => {
    const definition = await readDefinition(input);
    return definition.ok ? listed(definition.value) : definition;
  });
}

/** Values as text have a budget of their own, that of the definition being spent. */
function listed({ evaluated }: ReadDefinition): Result<DefinitionList, readonly Diagnostic[]> {
  const { targets, groups, globals } = evaluated;
  const all: ListedTarget[] = [];
  for (const { name, description } of targets.values()) all.push({ name, ...described(description) });
  for (const { name, description, targets: members } of groups.values()) {
    const names = [...(members ?? [])].sort(compareText).join(', ');
    const text = description === undefined || description === '' ? names : `${description} (${names})`;
    all.push({ name, ...described(text), group: true });
  }
  try {
    const variables = withBudget(0, () => globals.variables().map(listedVariable));
    return ok({
      targets: byName(all.filter(({ name }) => !name.startsWith('_'))),
      variables: byName(variables),
    });
  } catch (error) {
    if (error instanceof HclError) return fail(error.diagnostics);
    throw error;
  }
}

function listedVariable({ name, description, type, value }: EvaluatedVariable): ListedVariable {
  return {
    name,
    ...described(description),
    ...(type === undefined ? {} : { type: describeType(type) }),
    ...(value.is === 'null' ? {} : { value: valueText(value) }),
  };
}

function valueText(value: Value): string {
  if (value.is === 'string') return value.value;
  try {
    return jsonText(value);
  } catch (error) {
    if (error instanceof CallError) return error.message;
    throw error;
  }
}

function described(description: string | undefined): { readonly description?: string } {
  return description === undefined || description === '' ? {} : { description };
}

function byName<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  return [...all].sort((a, b) => compareText(a.name, b.name));
}
