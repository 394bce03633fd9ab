import type { Diagnostic } from '../diagnostic.ts';
import type { Span } from '../source.ts';
import { CASTS } from './casts.ts';
import { ComposeError, MAX_DIAGNOSTICS } from './error.ts';
import type { Node, ScalarNode } from './node.ts';
import type { Path } from './path.ts';
import { pathText } from './path.ts';
import type { TemplateProblem, Variables } from './template.ts';
import { interpolate, problemText, shortened } from './template.ts';

/**
 * Replaces the variables in every text of a model; keys stay as they are. Texts in places that want numbers or booleans
 * are cast. Throws {@link ComposeError} with everything that cannot be replaced.
 */
export function interpolateModel(node: Node, variables: Variables): Node {
  const diagnostics: Diagnostic[] = [];
  const made = new Interpolation(variables, diagnostics).node(node, []);
  if (diagnostics.length > 0) throw new ComposeError(diagnostics);
  return made;
}

class Interpolation {
  readonly #variables: Variables;
  readonly #diagnostics: Diagnostic[];

  constructor(variables: Variables, diagnostics: Diagnostic[]) {
    this.#variables = variables;
    this.#diagnostics = diagnostics;
  }

  node(node: Node, path: Path): Node {
    if (node.is === 'scalar') return typeof node.value === 'string' ? this.#text(node, node.value, path) : node;
    if (node.is === 'list') {
      return { ...node, items: node.items.map((item) => this.node(item, [...path, '[]'])) };
    }
    const entries = [...node.entries].map(
      ([name, { key, value }]) => [name, { key, value: this.node(value, [...path, name]) }] as const,
    );
    return { ...node, entries: new Map(entries) };
  }

  #text(node: ScalarNode, text: string, path: Path): ScalarNode {
    if (this.#diagnostics.length >= MAX_DIAGNOSTICS) return node;
    const result = text.includes('$') ? interpolate(text, this.#variables) : undefined;
    if (result?.ok === false) {
      this.#diagnostics.push(problem(result.failure, node, path));
      return node;
    }
    const value = result === undefined ? text : result.value;
    const cast = CASTS.get(path)?.(value);
    if (cast === undefined) return value === text ? node : { ...node, value };
    if (cast.ok) return { ...node, value: cast.value };
    this.#diagnostics.push({
      reason: 'wrong-type',
      message: `error while interpolating ${pathText(path)}: failed to cast to expected type: ${cast.failure}`,
      hint: 'a number or a boolean is expected here',
      span: node.span,
    });
    return node;
  }
}

function problem(failure: TemplateProblem, node: ScalarNode, path: Path): Diagnostic {
  const span = reference(node.span, failure);
  if (failure.is === 'required') {
    const why = failure.message === '' ? '' : `: ${failure.message}`;
    return {
      reason: 'missing-variable',
      message: `error while interpolating ${pathText(path)}: required variable ${failure.name} is missing a value${why}`,
      hint: `set ${failure.name} in the environment or in .env`,
      span,
    };
  }
  if (failure.is === 'too-long') {
    const hint = 'a value that holds others that hold others grows fast';
    return { reason: 'too-large', message: `${pathText(path)}: ${problemText(failure)}`, hint, span };
  }
  return {
    reason: 'invalid-template',
    message: `invalid interpolation format for ${pathText(path)}: ${shortened(failure.text)}`,
    hint: 'you may need to escape any $ with another $',
    span,
  };
}

/** The part of a scalar that holds the reference at fault, if it can be told. */
function reference(span: Span, failure: TemplateProblem): Span {
  const text = span.file.text.slice(span.start, span.end);
  const found = failure.is === 'required' ? new RegExp(`\\$\\{${failure.name}:?\\?`).exec(text) : /\$\{/.exec(text);
  if (found === null) return span;
  const close = text.indexOf('}', found.index);
  return { ...span, start: span.start + found.index, end: close === -1 ? span.end : span.start + close + 1 };
}
