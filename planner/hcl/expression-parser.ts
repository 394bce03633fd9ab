import type { ReadableText, Span } from '../source.ts';
import type { BinaryOperator, Expression, ForExpression, ObjectItem, TemplatePart } from './ast.ts';
import { HclError } from './error.ts';
import type { Token } from './lexer.ts';
import { Lexer } from './lexer.ts';
import type { HclNumber } from './number.ts';
import { parseNumber } from './number.ts';
import { readHeredoc, readQuoted } from './template.ts';

/** Deeper nesting is no file of a person, and would exhaust the stack. */
const MAX_DEPTH = 400;

/** How tightly each binds; all associate to the left (HCL native syntax specification, "Operations"). */
const BINDING: ReadonlyMap<string, number> = new Map<BinaryOperator, number>([
  ['||', 1],
  ['&&', 2],
  ['==', 3],
  ['!=', 3],
  ['<', 4],
  ['<=', 4],
  ['>', 4],
  ['>=', 4],
  ['+', 5],
  ['-', 5],
  ['*', 6],
  ['/', 6],
  ['%', 6],
]);

function isBinary(text: string): text is BinaryOperator {
  return BINDING.has(text);
}

type Newlines = 'count' | 'skip';

/** Reads expressions (HCL native syntax specification, "Expressions"). Throws {@link HclError}. */
export class ExpressionParser {
  readonly source: ReadableText;
  position = 0;
  readonly #lexer: Lexer;
  #newlines: Newlines = 'count';
  #depth = 0;
  /** The token last looked at, and from where and how. */
  #peeked: Token | undefined;
  #peekedFrom = -1;
  #peekedHow: Newlines = 'count';

  constructor(source: ReadableText, position = 0) {
    this.source = source;
    this.position = position;
    this.#lexer = new Lexer(source);
  }

  span(start: number, end: number): Span {
    return this.source.span(start, end);
  }

  #at(token: Token): Span {
    return this.span(token.start, token.end);
  }

  peek(newlines: Newlines = this.#newlines): Token {
    const { position } = this;
    if (this.#peeked !== undefined && this.#peekedFrom === position && this.#peekedHow === newlines)
      return this.#peeked;
    const token = this.#lexer.at(position, newlines);
    this.#peeked = token;
    this.#peekedFrom = position;
    this.#peekedHow = newlines;
    return token;
  }

  take(newlines: Newlines = this.#newlines): Token {
    const token = this.peek(newlines);
    this.position = token.end;
    return token;
  }

  error(token: Token, message: string, hint: string): HclError {
    const end = token.kind === 'newline' || token.kind === 'end' ? token.start : token.end;
    return new HclError({ reason: 'syntax', message, hint, span: this.span(token.start, end) });
  }

  /** An expression inside `${ }`: newlines do not count there. */
  interpolated(): Expression {
    return this.#inside(() => this.expression());
  }

  expression(): Expression {
    this.#descend();
    try {
      return this.#conditional();
    } finally {
      this.#depth--;
    }
  }

  #descend(): void {
    if (this.#depth >= MAX_DEPTH) {
      throw this.error(this.peek(), 'This is nested too deeply', `at most ${MAX_DEPTH} levels are read`);
    }
    this.#depth++;
  }

  /** A quoted string from its opening quote on. */
  quoted(quote: Token): { readonly parts: readonly TemplatePart[]; readonly end: number } {
    const read = readQuoted(this.source, quote.end, this.#nested);
    this.position = read.end;
    return { parts: read.parts, end: read.end };
  }

  readonly #nested = (position: number): ExpressionParser => {
    const parser = new ExpressionParser(this.source, position);
    parser.#depth = this.#depth + 1;
    return parser;
  };

  #inside<T>(read: () => T, newlines: Newlines = 'skip'): T {
    const outer = this.#newlines;
    this.#newlines = newlines;
    try {
      return read();
    } finally {
      this.#newlines = outer;
    }
  }

  #conditional(): Expression {
    const condition = this.#binary(1);
    if (this.peek().text !== '?') return condition;
    this.take();
    const then = this.expression();
    const colon = this.peek();
    if (colon.text !== ':')
      throw this.error(colon, 'The : of this conditional is missing', 'write condition ? value : other');
    this.take();
    const otherwise = this.expression();
    return { is: 'conditional', condition, then, otherwise, span: through(condition.span, otherwise.span) };
  }

  /** Operands joined by operators that bind at least as tightly as the level. */
  #binary(level: number): Expression {
    let left = this.#unary();
    for (;;) {
      const { kind, text } = this.peek();
      if (kind !== 'punctuation' || !isBinary(text)) return left;
      const binding = BINDING.get(text) ?? 0;
      if (binding < level) return left;
      this.take();
      const right = this.#binary(binding + 1);
      left = { is: 'binary', operator: text, left, right, span: through(left.span, right.span) };
    }
  }

  #unary(): Expression {
    const token = this.peek();
    if (token.kind !== 'punctuation' || (token.text !== '-' && token.text !== '!'))
      return this.#postfix(this.#primary());
    this.take();
    this.#descend();
    let operand: Expression;
    try {
      operand = this.#unary();
    } finally {
      this.#depth--;
    }
    return { is: 'unary', operator: token.text, operand, span: through(this.#at(token), operand.span) };
  }

  #primary(): Expression {
    const token = this.take();
    const span = this.#at(token);
    switch (token.kind) {
      case 'number':
        return { is: 'number', value: numberOf(token.text, span), span };
      case 'quote': {
        const { parts, end } = this.quoted(token);
        return templateExpression(parts, this.span(token.start, end));
      }
      case 'heredoc':
        return this.#heredoc(token);
      case 'identifier':
        return this.#named(token);
      case 'punctuation':
        if (token.text === '(') return this.#parentheses(token);
        if (token.text === '[') return this.#tuple(token);
        if (token.text === '{') return this.#object(token);
        break;
      case 'newline':
      case 'end':
        break;
    }
    const atLineEnd = token.kind === 'newline';
    throw this.error(
      token,
      'An expression is expected here',
      atLineEnd
        ? 'put it on this line; it may go on over several lines inside ( ) or [ ]'
        : token.text === '.'
          ? 'a number begins with a digit: 0.5'
          : 'a string, a number, a list, a variable or a function call',
    );
  }

  #heredoc(token: Token): Expression {
    const read = readHeredoc(this.source, token, this.#nested);
    this.position = read.end;
    return templateExpression(read.parts, this.span(token.start, read.end));
  }

  #named(token: Token): Expression {
    const span = this.#at(token);
    const next = this.peek();
    if (next.text === '(' && next.kind === 'punctuation') return this.#call(token.text, span);
    if (next.text === '::') {
      this.take();
      const inner = this.#named(this.take());
      if (inner.is !== 'call')
        throw this.error(next, 'A function name is expected after ::', 'write namespace::function(...)');
      return { ...inner, name: `${token.text}::${inner.name}`, span: through(this.#at(token), inner.span) };
    }
    if (token.text === 'true' || token.text === 'false') return { is: 'bool', value: token.text === 'true', span };
    if (token.text === 'null') return { is: 'null', span };
    return { is: 'variable', name: token.text, span };
  }

  #call(name: string, nameSpan: Span): Expression {
    const open = this.take();
    return this.#inside(() => {
      const args: Expression[] = [];
      let expand = false;
      while (this.peek().text !== ')') {
        args.push(this.expression());
        if (this.peek().text === '...') {
          this.take();
          expand = true;
          if (this.peek().text !== ')')
            throw this.error(this.peek(), 'Nothing may follow ... in a call', 'close the call with )');
          break;
        }
        if (this.peek().text === ',') this.take();
        else if (this.peek().text !== ')') throw this.#unclosed(open, 'argument', ')');
      }
      const close = this.take();
      return { is: 'call', name, nameSpan, args, expand, span: through(nameSpan, this.#at(close)) };
    });
  }

  #parentheses(open: Token): Expression {
    return this.#inside(() => {
      const inner = this.expression();
      if (this.peek().text !== ')') throw this.#unclosed(open, 'expression', ')');
      const close = this.take();
      return { is: 'parentheses', inner, span: through(this.#at(open), this.#at(close)) };
    });
  }

  #tuple(open: Token): Expression {
    return this.#inside(() => {
      if (this.#startsFor()) return this.#for(open, ']');
      const items: Expression[] = [];
      while (this.peek().text !== ']') {
        items.push(this.expression());
        if (this.peek().text === ',') this.take();
        else if (this.peek().text !== ']') throw this.#unclosed(open, 'item', ']');
      }
      const close = this.take();
      return { is: 'tuple', items, span: through(this.#at(open), this.#at(close)) };
    });
  }

  #object(open: Token): Expression {
    if (this.#inside(() => this.#startsFor())) return this.#inside(() => this.#for(open, '}'));
    return this.#inside(() => {
      const items: ObjectItem[] = [];
      while (this.peek('skip').text !== '}') {
        const key = this.#inside(() => this.#objectKey(), 'count');
        const equals = this.peek('count');
        if (equals.text !== '=' && equals.text !== ':') {
          throw this.error(equals, 'An = is expected after this key', 'write key = value');
        }
        this.take('count');
        const value = this.#inside(() => this.expression(), 'count');
        items.push({ key, value });
        const after = this.peek('count');
        if (after.text === ',') this.take('count');
        else if (after.kind !== 'newline' && after.text !== '}') throw this.#unclosed(open, 'item', '}');
      }
      const close = this.take('skip');
      return { is: 'object', items, span: through(this.#at(open), this.#at(close)) };
    }, 'count');
  }

  /** A bare identifier is the key itself; anything else is evaluated. */
  #objectKey(): Expression {
    const token = this.peek('skip');
    this.position = token.start;
    if (token.kind !== 'identifier') return this.expression();
    const key = this.expression();
    if (key.is === 'variable' || key.is === 'bool' || key.is === 'null') {
      return { is: 'string', value: token.text, span: key.span };
    }
    return key.is === 'attribute' || key.is === 'index' ? { is: 'ambiguous-key', span: key.span } : key;
  }

  #startsFor(): boolean {
    return this.peek('skip').text === 'for' && this.peek('skip').kind === 'identifier';
  }

  #for(open: Token, closing: ']' | '}'): ForExpression {
    this.take();
    const { keyName, valueName, collection } = this.forHeader();
    if (this.peek().text !== ':')
      throw this.error(this.peek(), 'A : is expected after the collection', 'write [for x in list : value]');
    this.take();
    let value = this.expression();
    let key: Expression | undefined;
    if (closing === '}') {
      if (this.peek().text !== '=>')
        throw this.error(this.peek(), 'A => is expected after the key', 'write {for k, v in map : k => v}');
      this.take();
      [key, value] = [value, this.expression()];
    }
    const grouping = this.peek().text === '...';
    if (grouping && closing === ']')
      throw this.error(this.peek(), 'Values can be grouped only in the { } form', 'take out the ...');
    if (grouping) this.take();
    let condition: Expression | undefined;
    if (this.peek().text === 'if' && this.peek().kind === 'identifier') {
      this.take();
      condition = this.expression();
    }
    if (this.peek().text !== closing) throw this.#unclosed(open, 'for expression', closing);
    const close = this.take();
    return {
      is: 'for',
      ...(keyName === undefined ? {} : { keyName }),
      valueName,
      collection,
      ...(key === undefined ? {} : { key }),
      value,
      ...(condition === undefined ? {} : { condition }),
      grouping,
      span: through(this.#at(open), this.#at(close)),
    };
  }

  /** `k, v in collection`, of for-expressions and of `%{ for }`. */
  forHeader(): { readonly keyName?: string; readonly valueName: string; readonly collection: Expression } {
    return this.#inside(() => {
      const first = this.#loopName();
      let second: string | undefined;
      if (this.peek().text === ',') {
        this.take();
        second = this.#loopName();
      }
      const keyword = this.take();
      if (keyword.text !== 'in')
        throw this.error(keyword, 'The word "in" is expected here', 'write for x in list, or for k, v in map');
      const collection = this.expression();
      return { ...(second === undefined ? {} : { keyName: first }), valueName: second ?? first, collection };
    });
  }

  #loopName(): string {
    const token = this.take();
    if (token.kind !== 'identifier') throw this.error(token, 'A name is expected after "for"', 'write for x in list');
    return token.text;
  }

  #postfix(start: Expression): Expression {
    let expression = start;
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'punctuation' || (token.text !== '.' && token.text !== '[')) return expression;
      expression = token.text === '.' ? this.#dot(expression) : this.#bracket(expression);
    }
  }

  #dot(of: Expression): Expression {
    this.take();
    const token = this.take();
    const span = through(of.span, this.#at(token));
    if (token.kind === 'identifier') {
      return { is: 'attribute', of, name: token.text, nameSpan: this.#at(token), span };
    }
    if (token.kind === 'number' && /^\d+$/.test(token.text)) return this.#legacyIndex(of, token, span);
    if (token.kind === 'number' && /^\d+\.\d+$/.test(token.text)) {
      throw this.error(token, 'Indexes of this old form cannot follow each other', 'write [0][1]');
    }
    if (token.text === '*') return this.#splat(of, 'attributes');
    throw this.error(token, 'An attribute name is expected after the dot', 'write object.name');
  }

  #legacyIndex(of: Expression, token: Token, span: Span): Expression {
    const key: Expression = {
      is: 'number',
      value: numberOf(token.text, this.#at(token)),
      span: this.#at(token),
    };
    return { is: 'index', of, key, span };
  }

  #bracket(of: Expression): Expression {
    const open = this.take();
    return this.#inside(() => {
      if (this.peek().text === '*' && this.#closesAfterStar()) {
        this.take();
        this.take();
        return this.#inside(() => this.#splat(of, 'all'), 'count');
      }
      const key = this.expression();
      if (this.peek().text !== ']') throw this.#unclosed(open, 'index', ']');
      const close = this.take();
      return { is: 'index', of, key, span: through(of.span, this.#at(close)) };
    });
  }

  #closesAfterStar(): boolean {
    return this.#lexer.at(this.peek().end, 'skip').text === ']';
  }

  /** The steps that belong to a splat: all that follow `[*]`, only attributes and old indexes after `.*`. */
  #splat(of: Expression, steps: 'attributes' | 'all'): Expression {
    const item: Expression = { is: 'splat-item', span: this.span(this.position, this.position) };
    let each: Expression = item;
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'punctuation') break;
      if (token.text === '.') {
        const after = this.#lexer.at(token.end, 'count');
        if (after.text === '*') break;
        each = this.#dot(each);
      } else if (token.text === '[' && steps === 'all') {
        each = this.#bracket(each);
      } else break;
    }
    return { is: 'splat', of, each, span: through(of.span, this.span(this.position, this.position)) };
  }

  #unclosed(open: Token, what: string, closing: string): HclError {
    const found = this.peek();
    if (found.kind === 'end') {
      return new HclError({
        reason: 'syntax',
        message: `This ${open.text} is never closed`,
        hint: `there is no ${closing} that matches it`,
        span: this.#at(open),
      });
    }
    return this.error(
      found,
      `A comma or ${closing} is expected after this ${what}`,
      `separate ${what}s by commas, and close with ${closing}`,
    );
  }
}

/** The number that digits mean. Throws {@link HclError} for one that is out of all bounds. */
export function numberOf(digits: string, span: Span): HclNumber {
  const value = parseNumber(digits);
  if (value !== undefined) return value;
  throw new HclError({
    reason: 'syntax',
    message: 'This number is too large or too small',
    hint: 'exponents go up to 20000',
    span,
  });
}

/** From the beginning of one range to the end of another. */
function through(from: Span, to: Span): Span {
  return { file: from.file, start: from.start, end: to.end };
}

/** A template that is only text is a string; one that is only an interpolation is that expression. */
export function templateExpression(parts: readonly TemplatePart[], span: Span): Expression {
  const [first, second] = parts;
  if (first === undefined) return { is: 'string', value: '', span };
  if (second === undefined && first.is === 'text') return { is: 'string', value: first.text, span };
  return { is: 'template', parts, span };
}
