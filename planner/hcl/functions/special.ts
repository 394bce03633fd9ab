import { convert } from '../convert.ts';
import { HclError, isPassable } from '../error.ts';
import { evaluate } from '../evaluate.ts';
import type { Expression } from '../ast.ts';
import { freeNames } from '../free-names.ts';
import type { Scope, SpecialForm } from '../scope.ts';
import { typeFromExpression } from '../type-expression.ts';
import { bool } from '../value.ts';

/** Calls that decide themselves what they evaluate (HCL `ext/tryfunc`, `ext/typeexpr`). */
export const SPECIAL_FORMS: Readonly<Record<string, SpecialForm>> = {
  try: (call, scope) => {
    let last: HclError | undefined;
    for (const arg of call.args) {
      try {
        return evaluate(arg, scope);
      } catch (error) {
        if (!isPassable(error)) throw error;
        last = error;
      }
    }
    throw new HclError({
      reason: 'function-call',
      message: 'No argument of try() can be evaluated',
      hint: last?.message ?? 'give it at least one argument',
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
    const converted = convert(evaluate(value, scope), typeFromExpression(type));
    if (converted.ok) return converted.value;
    throw new HclError({
      reason: 'function-argument',
      message: `This value cannot be converted: ${converted.failure}`,
      hint: 'change the value or the type',
      span: value.span,
    });
  },
};

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
