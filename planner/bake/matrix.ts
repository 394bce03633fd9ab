import type { Diagnostic } from '../diagnostic.ts';
import type { Block } from '../hcl/ast.ts';
import { convert } from '../hcl/convert.ts';
import { HclError } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import type { Scope } from '../hcl/scope.ts';
import { STRING } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { elements, sortedKeys } from '../hcl/value.ts';
import type { Span } from '../source.ts';
import { VALID_NAME } from './schema.ts';

/** One target that a block makes, with the values of the axes it is made for. */
export interface MatrixTarget {
  readonly name: string;
  readonly block: Block;
  readonly axes: ReadonlyMap<string, Value>;
}

const NO_AXES: ReadonlyMap<string, Value> = new Map();

/** So many targets from one block are a mistake, not a plan. */
const MAX_TARGETS = 20_000;

/**
 * The targets of one block: one for each combination of the values of its `matrix`, the axes in the order of their
 * names, the first varying fastest; the block itself without a matrix. Throws {@link HclError}.
 */
export function expandMatrix(label: string, block: Block, scope: Scope): readonly MatrixTarget[] {
  const matrix = block.body.attributes.get('matrix');
  const name = block.body.attributes.get('name');
  const labelSpan = block.labels[0]?.span ?? block.typeSpan;
  if (matrix === undefined) {
    if (name !== undefined)
      throw invalid('name needs a matrix', 'add matrix = { axis = ["a", "b"] }, or take the name out', name.nameSpan);
    return [{ name: label, block, axes: NO_AXES }];
  }
  const combinations = combine(
    axesOf(evaluate(matrix.expression, scope), matrix.expression.span),
    matrix.expression.span,
  );
  const targets = combinations.map((axes) => ({
    name: name === undefined ? label : nameOf(evaluate(name.expression, scope.with(axes)), name.expression.span),
    block,
    axes,
  }));
  const seen = new Set<string>();
  for (const { name: one } of targets) {
    if (seen.has(one)) {
      throw invalid(
        `Two targets of this matrix have the name ${JSON.stringify(one)}`,
        name === undefined
          ? `give it a name that uses the axes: name = "${label}-\${...}"`
          : 'use every axis in the name',
        name?.expression.span ?? labelSpan,
      );
    }
    seen.add(one);
  }
  return targets;
}

function axesOf(value: Value, span: Span): ReadonlyMap<string, readonly Value[]> {
  if (!('entries' in value))
    throw invalid('A matrix is an object of lists', 'write matrix = { axis = ["a", "b"] }', span);
  const axes = new Map<string, readonly Value[]>();
  for (const axis of sortedKeys(value.entries)) {
    const values = value.entries.get(axis);
    const found = values === undefined ? undefined : elements(values);
    if (found === undefined)
      throw invalid(`The axis ${JSON.stringify(axis)} is no list`, `write ${axis} = ["a", "b"]`, span);
    axes.set(
      axis,
      found.map(([, one]) => one),
    );
  }
  return axes;
}

function combine(axes: ReadonlyMap<string, readonly Value[]>, span: Span): readonly ReadonlyMap<string, Value>[] {
  let combinations: readonly ReadonlyMap<string, Value>[] = [new Map()];
  for (const [axis, values] of axes) {
    if (combinations.length * values.length > MAX_TARGETS) {
      throw invalid(`This matrix makes more than ${MAX_TARGETS} targets`, 'take values out of its axes', span);
    }
    combinations = values.flatMap((value) => combinations.map((sofar) => new Map([...sofar, [axis, value]])));
  }
  return combinations;
}

function nameOf(value: Value, span: Span): string {
  const converted = value.is === 'null' ? undefined : convert(value, STRING);
  const name = converted?.ok === true && converted.value.is === 'string' ? converted.value.value : undefined;
  if (name !== undefined && VALID_NAME.test(name)) return name;
  throw invalid(
    name === undefined ? 'The name must be a string' : `${JSON.stringify(name)} cannot name a target`,
    'only letters, digits, _ and - are allowed; replace() or sanitize() can help',
    span,
  );
}

function invalid(message: string, hint: string, span: Span): HclError {
  const diagnostic: Diagnostic = { reason: 'invalid-matrix', message, hint, span };
  return new HclError(diagnostic);
}
