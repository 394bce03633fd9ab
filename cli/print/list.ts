import type { ListedTarget, ListedVariable } from '../../planner/bake/list.ts';
import { goJson } from '../../planner/go-json.ts';
import { csvFields, csvPairs } from '../../planner/options/csv.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { tabTable } from './tab-table.ts';

/** What `--list` asks for. */
export interface ListRequest {
  readonly type: 'targets' | 'variables';
  readonly format: 'table' | 'json';
}

/** Reads `targets`, `variables` or `type=...,format=...` (buildx `commands/bake.go`, `parseList`). */
export function listRequest(text: string): Result<ListRequest, string> {
  const fields = csvFields(text);
  const isWord = fields.ok && fields.value.length === 1 && !text.includes('=');
  const pairs = isWord ? ok(new Map([['type', text]])) : csvPairs(text);
  if (!pairs.ok) return pairs;
  const [type = '', format = 'table'] = [pairs.value.get('type'), pairs.value.get('format')];
  if (type !== 'targets' && type !== 'variables')
    return fail(`invalid list type ${JSON.stringify(type)}; targets and variables can be listed`);
  if (format !== 'table' && format !== 'json')
    return fail(`invalid list format ${JSON.stringify(format)}; table and json are known`);
  return ok({ type, format });
}

/** Targets and groups, as a table or as JSON. */
export function targetList(targets: readonly ListedTarget[], format: ListRequest['format']): string {
  if (format === 'json') return goJson(targets);
  return tabTable([['TARGET', 'DESCRIPTION'], ...targets.map(({ name, description = '' }) => [name, description])]);
}

/** Variables, as a table or as JSON. */
export function variableList(variables: readonly ListedVariable[], format: ListRequest['format']): string {
  if (format === 'json')
    return goJson(variables.map(({ name, description, type, value }) => ({ name, description, type, value })));
  return tabTable([
    ['VARIABLE', 'TYPE', 'VALUE', 'DESCRIPTION'],
    ...variables.map(({ name, type = '', value = '<null>', description = '' }) => [name, type, value, description]),
  ]);
}
