import type { BinaryOperator } from './ast.ts';
import type { HclNumber } from './number.ts';
import { add, divide, modulo, multiply, subtract } from './number.ts';

/** The result of `+ - * / %`; undefined where there is none (zero by zero). */
export function arithmetic(
  operator: Extract<BinaryOperator, '+' | '-' | '*' | '/' | '%'>,
  left: HclNumber,
  right: HclNumber,
): HclNumber | undefined {
  switch (operator) {
    case '+':
      return add(left, right);
    case '-':
      return subtract(left, right);
    case '*':
      return multiply(left, right);
    case '/':
      return divide(left, right);
    case '%':
      return modulo(left, right);
  }
}
