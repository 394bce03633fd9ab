import { RARE_FUNCTIONS, standardLibrary } from '../../planner/hcl/functions/table.ts';
import type { Draw } from './random.ts';

const FUNCTIONS = [
  ...(
    await standardLibrary({
      now: new Date(0),
      homeDir: '/',
      sources: [RARE_FUNCTIONS.flatMap(({ names }) => names).join(' ')],
    })
  ).names(),
].filter((name) => name !== 'bcrypt');

const LEAVES = [
  'null', 'true', 'false', '0', '1', '-1', '2.5', '1e3', '1e-400', '512', '""', '"a"', '"A b"', '"1"', '"a,b"', '"{}"',
  '"é😀"', '"(a+)"', '"%d %s"', '"YYYY"', '"2024-01-02T03:04:05Z"', '"10.0.0.0/8"', '[]', '{}', '["a", "b"]', '[1, "x", null]',
  '{ a = 1, b = "x" }', 'V', 'TAG', 'NOPE', 'x', 'target.default.tags', 'target.default.args', 'group.default.targets',
]; // prettier-ignore
const TYPES = ['string', 'number', 'bool', 'any', 'list(any)', 'set(string)', 'map(number)', 'object({ a = any })'];
const OPERATORS = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', '&&', '||'];

/** An expression that reads well, and mostly means nothing. */
export function randomExpression(draw: Draw, depth = 4): string {
  const { below, pick } = draw;
  const inner = (): string => randomExpression(draw, depth - 1);
  const several = (most: number): string => Array.from({ length: below(most + 1) }, inner).join(', ');
  if (depth <= 0) return pick(LEAVES, 'null');
  switch (below(14)) {
    case 0:
      return `[${several(3)}]`;
    case 1:
      return `{ a = ${inner()}, (${inner()}) = ${inner()} }`;
    case 2:
      return `${inner()} ${pick(OPERATORS, '+')} ${inner()}`;
    case 3:
      return `(${inner()} ? ${inner()} : ${inner()})`;
    case 4:
      return `[for x in ${inner()} : ${inner()}]`;
    case 5:
      return `{for k, x in ${inner()} : k => ${inner()}${pick(['', '...', ' if x != null'], '')}}`;
    case 6:
      return `"p\${${inner()}}%{ if ${inner()} }y%{ else }\${${inner()}}%{ endif }"`;
    case 7:
      return `(${inner()})${pick(['[0]', '.a', '[*]', '.*.a', '["a"]', '[-1]'], '[0]')}`;
    case 8:
      return `${pick(['!', '-'], '!')}${inner()}`;
    case 9:
      return `convert(${inner()}, ${pick(TYPES, 'any')})`;
    case 10:
      return `try(${inner()}, ${inner()})`;
    default:
      return `${pick(FUNCTIONS, 'upper')}(${several(3)}${pick(['', '', '', '...'], '')})`;
  }
}
