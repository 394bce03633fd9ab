import { describe, expect, test } from 'vitest';
import { collectDefinition } from '../../../../planner/bake/definition.ts';
import { Globals } from '../../../../planner/bake/globals.ts';
import { HclError } from '../../../../planner/hcl/error.ts';
import { evaluate } from '../../../../planner/hcl/evaluate.ts';
import { jsonText } from '../../../../planner/hcl/functions/json-text.ts';
import { RARE_FUNCTIONS, standardLibrary } from '../../../../planner/hcl/functions/table.ts';
import { parseHcl } from '../../../../planner/hcl/parser.ts';
import type { Type } from '../../../../planner/hcl/type.ts';
import type { Value } from '../../../../planner/hcl/value.ts';
import { typeOf } from '../../../../planner/hcl/value.ts';

/** An expression with the JSON and the type of its value, or with a part of the message of its error. */
export type Row =
  | readonly [expression: string, json: string, type: string]
  | readonly [expression: string, failure: { readonly fails: string }];

export const NOW = new Date('2024-03-05T07:08:09.123Z');

const LIBRARY = await standardLibrary({
  now: NOW,
  homeDir: '/home/someone',
  sources: [RARE_FUNCTIONS.flatMap(({ names }) => names).join(' ')],
});

/** What an expression gives where nothing is defined but the standard library. Throws {@link HclError}. */
export function valueOf(source: string): Value {
  const { body, diagnostics } = parseHcl({ name: 'docker-bake.hcl', text: `value = ${source}\n` });
  const [wrong] = diagnostics;
  if (wrong !== undefined) throw new HclError(wrong);
  const expression = body.attributes.get('value')?.expression;
  if (expression === undefined) throw new Error(`no expression in ${source}`);
  const globals = new Globals({
    definition: collectDefinition([]).definition,
    environment: new Map(),
    builtins: new Map(),
    library: LIBRARY,
    blockAttribute: () => undefined,
  });
  return evaluate(expression, globals.scope);
}

/** What goes wrong with an expression; undefined when nothing does. */
export function failureOf(source: string): HclError | undefined {
  try {
    valueOf(source);
    return undefined;
  } catch (error) {
    if (error instanceof HclError) return error;
    throw error;
  }
}

/** A test for every row of every function. */
export function describeFunctions(functions: Readonly<Record<string, readonly Row[]>>): void {
  for (const [name, rows] of Object.entries(functions)) {
    describe(name, () => {
      test.each(rows.map((row) => ({ row, expression: row[0] })))('$expression', ({ row }) => {
        if (row.length === 2) {
          const failure = failureOf(row[0]);
          expect(failure?.message).toContain(row[1].fails);
          expect(failure?.diagnostics[0].hint).not.toBe('');
          return;
        }
        const value = valueOf(row[0]);
        expect([shown(value), typeText(typeOf(value))]).toEqual([row[1], row[2]]);
      });
    });
  }
}

function shown(value: Value): string {
  if (value.is === 'number' && value.value.infinite !== undefined) return value.value.infinite > 0 ? 'Inf' : '-Inf';
  return jsonText(value);
}

/** A type as it is written in a definition. */
function typeText(type: Type): string {
  switch (type.is) {
    case 'list':
    case 'set':
    case 'map':
      return `${type.is}(${typeText(type.element)})`;
    case 'tuple':
      return `tuple([${type.items.map(typeText).join(', ')}])`;
    case 'object': {
      const names = [...type.attributes.keys()].sort();
      return `object({${names.map((name) => `${name}=${typeText(type.attributes.get(name) ?? type)}`).join(', ')}})`;
    }
    default:
      return type.is;
  }
}
