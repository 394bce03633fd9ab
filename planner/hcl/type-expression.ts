import type { Span } from '../source.ts';
import type { Expression } from './ast.ts';
import { HclError } from './error.ts';
import type { Type } from './type.ts';
import { ANY, BOOL, NUMBER, STRING } from './type.ts';

/**
 * Reads a type constraint written as an expression: `list(string)`, `object({ a = optional(number) })` (HCL
 * `ext/typeexpr`). Throws {@link HclError}.
 */
export function typeFromExpression(expression: Expression): Type {
  if (expression.is === 'variable') {
    const simple = { string: STRING, number: NUMBER, bool: BOOL, any: ANY }[expression.name];
    if (simple !== undefined) return simple;
    if (['list', 'set', 'map', 'object', 'tuple'].includes(expression.name)) {
      throw invalid(
        expression.span,
        `The type ${expression.name} needs to be told of what`,
        exampleOf(expression.name),
      );
    }
    throw invalid(expression.span, `${JSON.stringify(expression.name)} is no type`, KNOWN);
  }
  if (expression.is !== 'call')
    throw invalid(expression.span, 'A type is expected here', `write it without quotes: ${KNOWN}`);
  const [argument, extra] = expression.args;
  if (argument === undefined || extra !== undefined || expression.expand) {
    throw invalid(expression.span, `${expression.name} takes one argument here`, exampleOf(expression.name));
  }
  switch (expression.name) {
    case 'list':
    case 'set':
    case 'map':
      return { is: expression.name, element: typeFromExpression(argument) };
    case 'tuple':
      if (argument.is !== 'tuple')
        throw invalid(argument.span, 'A tuple type needs a list of types', exampleOf('tuple'));
      return { is: 'tuple', items: argument.items.map(typeFromExpression) };
    case 'object':
      return objectType(argument);
    case 'optional':
      throw invalid(expression.span, 'optional() stands only for the attribute of an object type', exampleOf('object'));
    default:
      throw invalid(expression.nameSpan, `${JSON.stringify(expression.name)} is no type`, KNOWN);
  }
}

const KNOWN = 'string, number, bool, any, list(T), set(T), map(T), tuple([T, ...]) or object({ name = T })';

function exampleOf(name: string): string {
  if (name === 'object') return 'write object({ name = string, port = optional(number) })';
  return name === 'tuple' ? 'write tuple([string, number])' : `write ${name}(string)`;
}

function objectType(argument: Expression): Type {
  if (argument.is !== 'object')
    throw invalid(argument.span, 'An object type needs its attributes', exampleOf('object'));
  const attributes = new Map<string, Type>();
  const optional = new Set<string>();
  for (const { key, value } of argument.items) {
    if (key.is !== 'string') throw invalid(key.span, 'The name of an attribute is expected here', exampleOf('object'));
    const [inner] = value.is === 'call' && value.name === 'optional' ? value.args : [];
    if (inner !== undefined && value.is === 'call' && value.args.length === 1) optional.add(key.value);
    attributes.set(key.value, typeFromExpression(inner !== undefined && optional.has(key.value) ? inner : value));
  }
  return { is: 'object', attributes, optional };
}

function invalid(span: Span, message: string, hint: string): HclError {
  return new HclError({ reason: 'invalid-type', message, hint, span });
}
