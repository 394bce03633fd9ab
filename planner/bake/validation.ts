import type { Block } from '../hcl/ast.ts';
import { convert } from '../hcl/convert.ts';
import { HclError } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import type { Scope } from '../hcl/scope.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { BOOL, STRING } from '../hcl/type.ts';
import { kindOf } from '../hcl/value.ts';
import type { Span } from '../source.ts';

const ATTRIBUTES = ['condition', 'error_message'];

/**
 * Checks a variable against one of its `validation` blocks (buildx `bake/hclparser`, after Terraform's). Throws
 * {@link HclError} with the block's own message.
 */
export function validateVariable(name: string, variable: Block, rule: Block, scope: Scope): void {
  const { attributes } = rule.body;
  const unknown = [...attributes.values()].find((one) => !ATTRIBUTES.includes(one.name));
  if (unknown !== undefined) {
    throw wrong(
      'unknown-attribute',
      `A validation has no attribute ${JSON.stringify(unknown.name)}`,
      didYouMean(unknown.name, ATTRIBUTES, 'it has condition and error_message'),
      unknown.nameSpan,
    );
  }
  const condition = attributes.get('condition')?.expression;
  if (condition === undefined)
    throw wrong('missing-attribute', 'This validation has no condition', 'write condition = ...', rule.headerSpan);
  const value = evaluate(condition, scope);
  const holds = value.is === 'null' ? undefined : convert(value, BOOL);
  if (holds?.ok !== true || holds.value.is !== 'bool') {
    throw wrong(
      'wrong-type',
      `The condition must be true or false, this is ${kindOf(value)}`,
      'compare the value with something',
      condition.span,
    );
  }
  if (holds.value.value) return;
  throw new HclError({
    reason: 'validation-failed',
    message: `The value of the variable ${JSON.stringify(name)} is not allowed: ${errorMessage(rule, scope)}`,
    hint: 'its own validation says so',
    span: condition.span,
    related: [{ message: 'the variable', span: variable.headerSpan }],
  });
}

function errorMessage(rule: Block, scope: Scope): string {
  const message = rule.body.attributes.get('error_message')?.expression;
  const value = message === undefined ? undefined : convert(evaluate(message, scope), STRING);
  return value?.ok === true && value.value.is === 'string'
    ? value.value.value
    : 'this check failed, but has no valid error message';
}

function wrong(reason: string, message: string, hint: string, span: Span): HclError {
  return new HclError({ reason, message, hint, span });
}
