import type { Diagnostic } from '../diagnostic.ts';
import type { SourceFile, Span } from '../source.ts';
import { wholeFile } from '../source.ts';
import type { Attribute, Block, Body, Label } from './ast.ts';
import { HclError } from './error.ts';
import { ExpressionParser } from './expression-parser.ts';
import type { Token } from './lexer.ts';

/** So many mistakes are told at once; the rest mostly follow from these. */
const MAX_DIAGNOSTICS = 20;

/**
 * Reads a file of HCL native syntax (HCL native syntax specification, "Structural Elements"). With mistakes in it, the
 * body holds what could be read, and there is a diagnostic for each place where reading had to start again.
 */
export function parseHcl(file: SourceFile): { readonly body: Body; readonly diagnostics: readonly Diagnostic[] } {
  const parser = new BodyParser(wholeFile(file));
  return { body: parser.file(), diagnostics: parser.diagnostics };
}

class BodyParser extends ExpressionParser {
  readonly diagnostics: Diagnostic[] = [];

  file(): Body {
    if (this.source.text.startsWith('\uFEFF')) this.position = 1;
    return this.#items('end');
  }

  /** Attributes and blocks up to the end of the file or the closing brace, which is left to the caller. */
  #items(closedBy: 'end' | '}', opening?: Span): Body {
    const start = this.position;
    const attributes = new Map<string, Attribute>();
    const blocks: Block[] = [];
    for (;;) {
      let itemStart = this.position;
      try {
        const token = this.peek('skip');
        itemStart = token.start;
        if (token.kind === 'end') {
          if (closedBy === '}' && opening) this.#unclosed(opening);
          break;
        }
        if (token.text === '}' && closedBy === '}') break;
        this.#item(token, attributes, blocks);
      } catch (error) {
        if (!(error instanceof HclError)) throw error;
        for (const one of error.diagnostics) this.#tell(one);
        if (this.diagnostics.length >= MAX_DIAGNOSTICS) break;
        this.#recover(itemStart);
      }
    }
    return { attributes, blocks, span: this.span(start, this.position) };
  }

  #tell(diagnostic: Diagnostic): void {
    if (this.diagnostics.length < MAX_DIAGNOSTICS) this.diagnostics.push(diagnostic);
  }

  #unclosed(opening: Span): void {
    this.#tell({
      reason: 'syntax',
      message: 'This block is never closed',
      hint: 'there is no } that matches this brace before the end of the file',
      span: opening,
    });
  }

  #item(first: Token, attributes: Map<string, Attribute>, blocks: Block[]): void {
    if (first.kind !== 'identifier') {
      const quoted = first.kind === 'quote';
      throw this.error(
        first,
        'An attribute or a block is expected here',
        quoted ? 'names of attributes are not quoted' : 'write name = value, or a block such as target "app" { }',
      );
    }
    this.take('skip');
    const next = this.peek('count');
    if (next.text === '=') this.#attribute(first, attributes, 'newline');
    else blocks.push(this.#block(first));
  }

  #attribute(name: Token, attributes: Map<string, Attribute>, ends: 'newline' | '}'): void {
    this.take('count');
    const expression = this.expression();
    const known = attributes.get(name.text);
    const nameSpan = this.span(name.start, name.end);
    if (known) {
      this.#tell({
        reason: 'attribute-redefined',
        message: `The attribute ${name.text} is set twice in one block`,
        hint: 'keep one of them',
        span: nameSpan,
        related: [{ message: 'it is set here first', span: known.nameSpan }],
      });
    } else {
      attributes.set(name.text, {
        name: name.text,
        nameSpan,
        expression,
        span: this.span(name.start, expression.span.end),
      });
    }
    const after = this.peek('count');
    if (ends === '}' && after.text === '}') return;
    if (ends === 'newline' && (after.kind === 'newline' || after.kind === 'end')) return;
    throw this.error(
      after,
      'A newline is expected after this attribute',
      ends === '}'
        ? 'a block on one line holds at most one attribute'
        : 'start the next attribute or block on a line of its own',
    );
  }

  #block(type: Token): Block {
    const labels: Label[] = [];
    for (;;) {
      const token = this.take('count');
      if (token.kind === 'identifier') {
        labels.push({ text: token.text, span: this.span(token.start, token.end) });
      } else if (token.kind === 'quote') {
        labels.push(this.#quotedLabel(token));
      } else if (token.text === '{') {
        return this.#blockBody(type, labels, token);
      } else if (labels.length === 0 && token.kind !== 'punctuation') {
        throw this.error(
          token,
          `${type.text} stands alone`,
          `write ${type.text} = value for an attribute, or ${type.text} "name" { for a block`,
        );
      } else {
        throw this.error(
          token,
          'The opening brace of the block is expected here',
          `write ${type.text} ${labels.map(({ text }) => JSON.stringify(text)).join(' ')} { on one line`.replace(
            '  ',
            ' ',
          ),
        );
      }
    }
  }

  #quotedLabel(quote: Token): Label {
    const { parts, end } = this.quoted(quote);
    if (parts.some((part) => part.is !== 'text')) {
      throw new HclError({
        reason: 'syntax',
        message: 'A label cannot hold ${ } or %{ }',
        hint: 'labels are plain text; use name and matrix for computed names',
        span: this.span(quote.start, end),
      });
    }
    return {
      text: parts.map((part) => (part.is === 'text' ? part.text : '')).join(''),
      span: this.span(quote.start, end),
    };
  }

  #blockBody(type: Token, labels: readonly Label[], brace: Token): Block {
    const braceSpan = this.span(brace.start, brace.end);
    const header = this.span(type.start, labels.at(-1)?.span.end ?? type.end);
    const body = this.peek('count').kind === 'newline' ? this.#items('}', braceSpan) : this.#oneLine(brace);
    if (this.peek('skip').text === '}') this.take('skip');
    const after = this.peek('count');
    if (after.kind !== 'newline' && after.kind !== 'end' && after.text !== '}') {
      throw this.error(
        after,
        'A newline is expected after the closing brace',
        'start the next block on a line of its own',
      );
    }
    return {
      type: type.text,
      typeSpan: this.span(type.start, type.end),
      labels,
      body,
      braceSpan,
      headerSpan: header,
    };
  }

  #oneLine(brace: Token): Body {
    const attributes = new Map<string, Attribute>();
    const first = this.peek('count');
    if (first.kind === 'identifier') {
      this.take('count');
      const equals = this.peek('count');
      if (equals.text !== '=') {
        throw this.error(
          equals,
          'A block on one line holds at most one attribute, and no blocks',
          'put its contents on lines of their own',
        );
      }
      this.#attribute(first, attributes, '}');
    }
    const close = this.peek('count');
    if (close.text !== '}') {
      if (close.kind === 'end') this.#unclosed(this.span(brace.start, brace.end));
      else
        throw this.error(
          close,
          'The closing brace is expected on this line',
          'put the contents of the block on lines of their own',
        );
    }
    return { attributes, blocks: [], span: this.span(brace.end, close.start) };
  }

  /** Goes on after the line with the mistake, past what is open there. */
  #recover(itemStart: number): void {
    const { text } = this.source;
    const from = Math.max(this.position, itemStart);
    const opened = countBraces(text.slice(itemStart, from));
    let depth = Math.max(0, opened);
    let at = from;
    for (; at < text.length; at++) {
      const character = text[at];
      if (character === '{') depth++;
      else if (character === '}' && depth > 0) depth--;
      else if (character === '}' && depth === 0) break;
      else if (character === '\n' && depth === 0) break;
    }
    this.position = Math.max(at, itemStart + 1);
  }
}

function countBraces(text: string): number {
  let depth = 0;
  for (const character of text) depth += character === '{' ? 1 : character === '}' ? -1 : 0;
  return depth;
}
