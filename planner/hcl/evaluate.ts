import type { Span } from '../source.ts';
import type { Expression, ForExpression, TemplatePart } from './ast.ts';
import { convert, unify } from './convert.ts';
import { HclError, isPassable, mapAll } from './error.ts';
import { MAX_TEXT, spend, spendText } from './budget.ts';
import { callFunction } from './call.ts';
import type { Scope } from './scope.ts';
import { compare, formatNumber, isInteger, negate, toDouble } from './number.ts';
import { arithmetic } from './arithmetic.ts';
import { article, didYouMean } from './suggest.ts';
import { BOOL, NUMBER, STRING } from './type.ts';
import type { Type } from './type.ts';
import type { Value } from './value.ts';
import { bool, elements, equal, kindOf, NULL, number, object, text, tuple, typeOf } from './value.ts';

/**
 * The value of an expression (HCL native syntax specification, "Expressions and Expression Types"). Names are looked up
 * only when they are needed. Throws {@link HclError} with the place of the mistake.
 */
export function evaluate(expression: Expression, scope: Scope): Value {
  spend(1, expression.span);
  switch (expression.is) {
    case 'string':
      return text(expression.value);
    case 'number':
      return number(expression.value);
    case 'bool':
      return bool(expression.value);
    case 'null':
      return NULL;
    case 'parentheses':
      return evaluate(expression.inner, scope);
    case 'template':
      return template(expression.parts, scope);
    case 'variable':
      return scope.variable(expression.name, expression.span);
    case 'attribute':
      return attribute(expression, scope);
    case 'index':
      return index(evaluate(expression.of, scope), evaluate(expression.key, scope), expression.span);
    case 'splat':
      return splat(expression, scope);
    case 'splat-item':
      return scope.splatItem(expression);
    case 'call':
      return callFunction(expression, scope, evaluate);
    case 'unary':
      return unary(expression, scope);
    case 'binary':
      return binary(expression, scope);
    case 'conditional':
      return conditional(expression, scope);
    case 'tuple':
      return tuple(mapAll(expression.items, (item) => evaluate(item, scope)));
    case 'object':
      return objectOf(expression, scope);
    case 'for':
      return forExpression(expression, scope);
    case 'ambiguous-key':
      throw wrong(
        expression.span,
        'ambiguous-key',
        'This key is ambiguous',
        'put it in parentheses to use its value, or in quotes to use its text',
      );
  }
}

/** The value of an expression converted; throws {@link HclError} when it is null or of another type. */
export function evaluateAs(expression: Expression, type: Type, scope: Scope, what: string): Value {
  const value = evaluate(expression, scope);
  if (value.is === 'null') throw wrong(expression.span, 'null-value', `${what} must not be null`, 'give it a value');
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  throw wrong(
    expression.span,
    'wrong-type',
    `${what} is unsuitable: ${converted.failure}`,
    `a ${type.is} is expected, this is ${article(kindOf(value))}`,
  );
}

function wrong(span: Span, reason: string, message: string, hint: string): HclError {
  return new HclError({ reason, message, hint, span });
}

function template(parts: readonly TemplatePart[], scope: Scope): Value {
  const [only] = parts;
  if (parts.length === 1 && only?.is === 'interpolation') return evaluate(only.expression, scope);
  return text(render(parts, scope));
}

function render(parts: readonly TemplatePart[], scope: Scope): string {
  let out = '';
  for (const part of parts) {
    switch (part.is) {
      case 'text':
        out += part.text;
        break;
      case 'interpolation':
        out += interpolated(part.expression, scope);
        break;
      case 'if': {
        const condition = evaluateAs(part.condition, BOOL, scope, 'The condition of %{ if }');
        out += render(condition.is === 'bool' && condition.value ? part.then : part.otherwise, scope);
        break;
      }
      case 'for':
        for (const [key, value] of collection(part.collection, scope)) {
          spend(1, part.span);
          out += render(part.body, loopScope(part, key, value, scope));
        }
        break;
    }
    if (out.length > MAX_TEXT) break;
  }
  spendText(out.length, parts[0]?.span);
  return out;
}

function interpolated(expression: Expression, scope: Scope): string {
  const value = evaluate(expression, scope);
  const converted = value.is === 'null' ? undefined : convert(value, STRING);
  if (converted?.ok === true && converted.value.is === 'string') return converted.value.value;
  throw wrong(
    expression.span,
    'template-value',
    value.is === 'null'
      ? 'A null value cannot be put into a string'
      : `${article(kindOf(value))} cannot be put into a string`.replace(/^a/, 'A'),
    value.is === 'null' ? 'give it a value, or use coalesce()' : 'use join(), jsonencode() or a %{ for } directive',
  );
}

function loopScope(
  loop: { readonly keyName?: string; readonly valueName: string },
  key: Value,
  value: Value,
  scope: Scope,
): Scope {
  const names = new Map([[loop.valueName, value]]);
  if (loop.keyName !== undefined) names.set(loop.keyName, key);
  return scope.with(names);
}

function collection(expression: Expression, scope: Scope): readonly (readonly [Value, Value])[] {
  const value = evaluate(expression, scope);
  const found = elements(value);
  if (found !== undefined) return found;
  throw wrong(
    expression.span,
    'iteration',
    value.is === 'null'
      ? 'A null value cannot be gone through'
      : `${article(kindOf(value))} cannot be gone through`.replace(/^a/, 'A'),
    'for needs a list, a set, a map or an object',
  );
}

function attribute(expression: Extract<Expression, { is: 'attribute' }>, scope: Scope): Value {
  const block = scope.blockAttribute(expression);
  if (block !== undefined) return block;
  return attributeOf(evaluate(expression.of, scope), expression.name, expression.nameSpan);
}

function attributeOf(value: Value, name: string, span: Span): Value {
  if ('entries' in value) {
    const found = value.entries.get(name);
    if (found !== undefined) return found;
    throw wrong(
      span,
      'unknown-attribute',
      `This ${value.is} has no attribute ${JSON.stringify(name)}`,
      didYouMean(name, value.entries.keys(), `it has ${[...value.entries.keys()].join(', ') || 'none at all'}`),
    );
  }
  throw wrong(
    span,
    'unknown-attribute',
    value.is === 'null'
      ? 'A null value has no attributes'
      : `${article(kindOf(value))} has no attributes`.replace(/^a/, 'A'),
    'only objects and maps have attributes',
  );
}

function index(value: Value, key: Value, span: Span): Value {
  if (key.is === 'null') throw wrong(span, 'invalid-index', 'The index is null', 'give it a value');
  if (value.is === 'null') throw wrong(span, 'invalid-index', 'A null value has no elements', 'give it a value');
  if ('entries' in value) {
    const name = convert(key, STRING);
    if (!name.ok || name.value.is !== 'string')
      throw wrong(
        span,
        'invalid-index',
        `This ${value.is} is indexed by a string`,
        `this index is ${article(kindOf(key))}`,
      );
    return attributeOf(value, name.value.value, span);
  }
  if (value.is === 'tuple' || value.is === 'list') {
    const position = convert(key, NUMBER);
    if (!position.ok || position.value.is !== 'number')
      throw wrong(
        span,
        'invalid-index',
        `This ${value.is} is indexed by a number`,
        `this index is ${article(kindOf(key))}`,
      );
    const at = position.value.value;
    const found = isInteger(at) ? value.items[toDouble(at)] : undefined;
    if (found !== undefined) return found;
    const size = value.items.length;
    throw wrong(
      span,
      'invalid-index',
      isInteger(at) ? `This ${value.is} has no element ${formatNumber(at)}` : 'An index must be a whole number',
      `it has ${size === 1 ? 'one element' : `${size} elements`}, counted from 0`,
    );
  }
  throw wrong(
    span,
    'invalid-index',
    `${article(kindOf(value))} has no elements`.replace(/^a/, 'A'),
    'only lists, tuples, maps and objects have',
  );
}

function splat(expression: Extract<Expression, { is: 'splat' }>, scope: Scope): Value {
  const value = evaluate(expression.of, scope);
  const items = 'items' in value ? value.items : value.is === 'null' ? [] : [value];
  const results = items.map((item) => evaluate(expression.each, scope.withSplatItem(firstItem(expression.each), item)));
  return tuple(results);
}

/** The node that stands for the element in the steps of a splat. */
function firstItem(each: Expression): Expression {
  let node = each;
  while (node.is === 'attribute' || node.is === 'index' || node.is === 'splat') node = node.of;
  return node;
}

function unary(expression: Extract<Expression, { is: 'unary' }>, scope: Scope): Value {
  const type = expression.operator === '!' ? BOOL : NUMBER;
  const value = evaluateAs(expression.operand, type, scope, `The operand of ${expression.operator}`);
  if (value.is === 'bool') return bool(!value.value);
  return value.is === 'number' ? number(negate(value.value)) : NULL;
}

function binary(expression: Extract<Expression, { is: 'binary' }>, scope: Scope): Value {
  const { operator, left, right } = expression;
  switch (operator) {
    case '==':
      return bool(equal(evaluate(left, scope), evaluate(right, scope)));
    case '!=':
      return bool(!equal(evaluate(left, scope), evaluate(right, scope)));
    case '&&':
    case '||':
      return logic(expression, scope);
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const order = compare(operand(left, operator, scope), operand(right, operator, scope));
      return bool(
        operator === '<' ? order < 0 : operator === '<=' ? order <= 0 : operator === '>' ? order > 0 : order >= 0,
      );
    }
    default: {
      const result = arithmetic(operator, operand(left, operator, scope), operand(right, operator, scope));
      if (result !== undefined) return number(result);
      throw wrong(expression.span, 'invalid-operand', 'This has no result', 'zero cannot be divided by zero');
    }
  }
}

function operand(expression: Expression, operator: string, scope: Scope): Extract<Value, { is: 'number' }>['value'] {
  const value = evaluateAs(expression, NUMBER, scope, `The operand of ${operator}`);
  if (value.is !== 'number')
    throw wrong(expression.span, 'invalid-operand', `The operand of ${operator} is no number`, 'a number is expected');
  return value.value;
}

/** The side that decides alone decides alone: what is wrong with the other then does not matter (HCL 2.24). */
function logic(expression: Extract<Expression, { is: 'binary' }>, scope: Scope): Value {
  const decides = expression.operator === '||';
  let failure: unknown;
  for (const side of [expression.left, expression.right]) {
    try {
      const value = evaluateAs(side, BOOL, scope, `The operand of ${expression.operator}`);
      if (value.is === 'bool' && value.value === decides) return bool(decides);
    } catch (error) {
      if (!isPassable(error)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return bool(!decides);
}

function conditional(expression: Extract<Expression, { is: 'conditional' }>, scope: Scope): Value {
  const condition = evaluateAs(expression.condition, BOOL, scope, 'The condition');
  const chosen = condition.is === 'bool' && condition.value ? expression.then : expression.otherwise;
  const other = chosen === expression.then ? expression.otherwise : expression.then;
  const value = evaluate(chosen, scope);
  const otherType = typeIfKnown(other, scope);
  if (otherType === undefined) return value;
  const both = unify([typeOf(value), otherType]);
  const converted = both === undefined ? undefined : convert(value, both);
  if (converted?.ok === true) return converted.value;
  throw wrong(
    expression.span,
    'inconsistent-conditional',
    'The two results of this conditional are of different types',
    `one is ${article(kindOf(value))}, the other ${article(otherType.is)}; make them the same`,
  );
}

/** The type of a branch that is not taken; undefined when it cannot be evaluated, which then does not matter. */
function typeIfKnown(expression: Expression, scope: Scope): Type | undefined {
  try {
    return typeOf(evaluate(expression, scope));
  } catch (error) {
    if (isPassable(error)) return undefined;
    throw error;
  }
}

function objectOf(expression: Extract<Expression, { is: 'object' }>, scope: Scope): Value {
  const entries = new Map<string, Value>();
  mapAll(expression.items, (item) => {
    const key = evaluateAs(item.key, STRING, scope, 'A key');
    if (key.is === 'string') entries.set(key.value, evaluate(item.value, scope));
  });
  return { is: 'object', entries };
}

function forExpression(expression: ForExpression, scope: Scope): Value {
  const items: Value[] = [];
  const entries = new Map<string, Value>();
  const groups = new Map<string, Value[]>();
  for (const [key, value] of collection(expression.collection, scope)) {
    const inner = loopScope(expression, key, value, scope);
    if (expression.condition !== undefined) {
      const wanted = evaluateAs(expression.condition, BOOL, inner, 'The condition of for');
      if (wanted.is === 'bool' && !wanted.value) continue;
    }
    if (expression.key === undefined) {
      items.push(evaluate(expression.value, inner));
      continue;
    }
    const name = evaluateAs(expression.key, STRING, inner, 'A key');
    if (name.is !== 'string') continue;
    const result = evaluate(expression.value, inner);
    if (expression.grouping) {
      const group = groups.get(name.value);
      if (group === undefined) groups.set(name.value, [result]);
      else group.push(result);
    } else if (entries.has(name.value)) {
      throw wrong(
        expression.key.span,
        'duplicate-key',
        `Two elements have the key ${JSON.stringify(name.value)}`,
        'write ... after the value to put them together in a list',
      );
    } else {
      entries.set(name.value, result);
    }
  }
  if (expression.key === undefined) return tuple(items);
  return expression.grouping
    ? object([...groups].map(([key, values]) => [key, tuple(values)] as const))
    : { is: 'object', entries };
}
