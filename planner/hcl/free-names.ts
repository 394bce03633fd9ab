import type { Span } from '../source.ts';
import type { Expression } from './ast.ts';

/** A name that an expression takes from outside, where it stands. */
export interface FreeName {
  readonly is: 'variable' | 'function';
  readonly name: string;
  readonly span: Span;
}

/**
 * The names that an expression needs in any case: what stands in a branch that may not be taken, in `try()` or in `can()`
 * does not count. `bound` are names that hold inside it.
 */
export function freeNames(expression: Expression, bound: ReadonlySet<string> = new Set()): readonly FreeName[] {
  const found: FreeName[] = [];
  collect(expression, bound, found);
  return found;
}

function collect(expression: Expression, bound: ReadonlySet<string>, found: FreeName[]): void {
  const inside = (one: Expression): void => collect(one, bound, found);
  switch (expression.is) {
    case 'variable':
      if (!bound.has(expression.name)) found.push({ is: 'variable', name: expression.name, span: expression.span });
      return;
    case 'attribute':
      return inside(expression.of);
    case 'splat':
      inside(expression.of);
      return inside(expression.each);
    case 'index':
      inside(expression.of);
      return inside(expression.key);
    case 'call':
      if (expression.name === 'try' || expression.name === 'can') return;
      found.push({ is: 'function', name: expression.name, span: expression.nameSpan });
      for (const [at, arg] of expression.args.entries()) {
        const isType = expression.name === 'convert' && at === 1;
        if (!isType) inside(arg);
      }
      return;
    case 'unary':
      return inside(expression.operand);
    case 'binary':
      inside(expression.left);
      return expression.operator === '&&' || expression.operator === '||' ? undefined : inside(expression.right);
    case 'conditional':
      return inside(expression.condition);
    case 'tuple':
      return expression.items.forEach(inside);
    case 'object':
      for (const item of expression.items) {
        inside(item.key);
        inside(item.value);
      }
      return;
    case 'parentheses':
      return inside(expression.inner);
    case 'for': {
      inside(expression.collection);
      const names = new Set([...bound, expression.valueName, ...(expression.keyName ? [expression.keyName] : [])]);
      for (const one of [expression.condition, expression.key, expression.value]) {
        if (one !== undefined) collect(one, names, found);
      }
      return;
    }
    case 'template':
      for (const part of expression.parts) if (part.is === 'interpolation') inside(part.expression);
      return;
    case 'string':
    case 'number':
    case 'bool':
    case 'null':
    case 'splat-item':
    case 'ambiguous-key':
      return;
  }
}
