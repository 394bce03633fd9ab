import { convert } from '../convert.ts';
import { HclError, isPassable } from '../error.ts';
import { evaluate } from '../evaluate.ts';
import type { Expression } from '../ast.ts';
import { freeNames } from '../free-names.ts';
import type { Scope, SpecialForm } from '../scope.ts';
import type { Type } from '../type.ts';
import { typeFromExpression } from '../type-expression.ts';
import { bool } from '../value.ts';

/** Calls that decide themselves what they evaluate (HCL `ext/tryfunc`, `ext/typeexpr`). */
export const SPECIAL_FORMS: Readonly<Record<string, SpecialForm>> = {
  try: (call, scope) => {
    const failures: HclError[] = [];
    for (const arg of call.args) {
      try {
        return evaluate(arg, scope);
      } catch (error) {
        if (!isPassable(error)) throw error;
        failures.push(error);
      }
    }
    const messages = [...new Set(failures.map(({ message }) => message))];
    throw new HclError({
      reason: 'function-call',
      message:
        failures.length === 0
          ? 'The call of try failed: at least one argument is required'
          : `No argument of try() can be evaluated: ${messages.join('; ')}`,
      hint: 'end with an argument that always can, such as null',
      span: call.span,
    });
  },
  can: (call, scope) => {
    const [arg] = call.args;
    if (arg === undefined || call.args.length > 1) throw wrongCount(call, 'can(expression)');
    try {
      evaluate(arg, scope);
      return bool(true);
    } catch (error) {
      if (!isPassable(error)) throw error;
      return bool(false);
    }
  },
  convert: (call, scope) => {
    const [value, type] = call.args;
    if (value === undefined || type === undefined || call.args.length > 2)
      throw wrongCount(call, 'convert(value, type)');
    useTypeNames(type, scope);
    const converted = convert(evaluate(value, scope), withoutOptional(typeFromExpression(type)));
    if (converted.ok) return converted.value;
    throw new HclError({
      reason: 'function-argument',
      message: `This value cannot be converted: ${converted.failure}`,
      hint: 'change the value or the type',
      span: value.span,
    });
  },
};

/** An absent attribute is an error here, whatever the type says: `optional()` is for variables. */
function withoutOptional(type: Type): Type {
  if ('element' in type) return { is: type.is, element: withoutOptional(type.element) };
  if (type.is === 'tuple') return { is: 'tuple', items: type.items.map(withoutOptional) };
  if (type.is !== 'object') return type;
  const attributes = [...type.attributes].map(([name, one]) => [name, withoutOptional(one)] as const);
  return { is: 'object', attributes: new Map(attributes), optional: new Set() };
}

/**
 * The reference takes the words of a type for names of variables: it forgives each once, and refuses the second time (buildx
 * `bake/hclparser/hclparser.go`, `loadDeps`).
 */
function useTypeNames(type: Expression, scope: Scope): void {
  for (const { is, name, span } of freeNames(type)) {
    if (is !== 'variable') continue;
    try {
      scope.variable(name, span);
    } catch (error) {
      if (!isPassable(error)) throw error;
    }
  }
}

function wrongCount(call: Parameters<SpecialForm>[0], form: string): HclError {
  return new HclError({
    reason: 'function-arguments',
    message: `Wrong number of arguments for ${call.name}`,
    hint: `write ${form}`,
    span: call.span,
  });
}
