import { didYouMean } from '../../../planner/hcl/suggest.ts';
import type { SourceFile } from '../../../planner/source.ts';
import type { GoValue } from '../../../runtime/oci/go-value.ts';
import { FUNCTION_NAMES } from './functions.ts';
import type { Piece, Token } from './lexer.ts';
import { pieces } from './lexer.ts';
import type { Command, Operand, Part, Pipeline, Place } from './syntax.ts';
import { BadTemplate } from './syntax.ts';

/** What Go knows and this does not. */
const REFUSED = new Set(['define', 'template', 'block', 'break', 'continue']);

/** Nobody writes more within each other by hand. */
const MAX_DEPTH = 100;

/** Reads a Go template. Throws {@link BadTemplate}. */
export function parseTemplate(file: SourceFile): readonly Part[] {
  return new Parser(file).template();
}

class Parser {
  readonly #file: SourceFile;
  readonly #pieces: readonly Piece[];
  #at = 0;
  #depth = 0;
  #variables: string[] = ['$'];

  constructor(file: SourceFile) {
    this.#file = file;
    this.#pieces = pieces(file);
  }

  template(): readonly Part[] {
    const { parts, ending } = this.#parts();
    if (ending !== undefined)
      throw this.#bad(ending, `${ending.text} belongs to an if, a with or a range, and none is open`);
    return parts;
  }

  /** Up to an `end` or `else`, or to the end of the text. */
  #parts(): { readonly parts: readonly Part[]; readonly ending?: Token } {
    const parts: Part[] = [];
    for (let piece = this.#pieces[this.#at]; piece !== undefined; piece = this.#pieces[this.#at]) {
      if (piece.is === 'text') {
        this.#at++;
        parts.push(piece);
        continue;
      }
      const [first] = piece.tokens;
      if (first === undefined) throw this.#bad(piece, 'an action without anything in it');
      if (first.kind === 'word' && (first.text === 'end' || first.text === 'else')) return { parts, ending: first };
      this.#at++;
      parts.push(this.#part(piece, first));
    }
    return { parts };
  }

  #part({ tokens, ...place }: Place & { readonly tokens: readonly Token[] }, first: Token): Part {
    if (first.kind === 'word' && REFUSED.has(first.text)) throw this.#bad(first, `${first.text} is not supported here`);
    if (first.kind !== 'word' || (first.text !== 'if' && first.text !== 'with' && first.text !== 'range'))
      return { is: 'action', pipeline: this.#pipeline(tokens, place) };
    const known = [...this.#variables];
    const { text: is } = first;
    const part = this.#within(first, () => this.#branches(is, { head: tokens.slice(1), place: first }));
    this.#variables = known;
    return part;
  }

  #branches(
    is: 'if' | 'with' | 'range',
    { head, place }: { readonly head: readonly Token[]; readonly place: Place },
  ): Part {
    const pipeline = this.#pipeline(head, place);
    const { parts: body, ending } = this.#parts();
    if (ending === undefined) throw this.#bad(place, `${is} without an end`);
    const closing = this.#next();
    if (ending.text === 'end') return { is, pipeline, body, otherwise: [] };
    const [, chained, ...rest] = closing;
    if (chained !== undefined) {
      if (chained.text !== 'if' && chained.text !== 'with')
        throw this.#bad(chained, 'else takes nothing but another if');
      const { text: next } = chained;
      const chain = this.#within(chained, () => this.#branches(next, { head: rest, place: chained }));
      return { is, pipeline, body, otherwise: [chain] };
    }
    const { parts: otherwise, ending: last } = this.#parts();
    if (last?.text !== 'end') throw this.#bad(last ?? place, `${is} without an end`);
    this.#next();
    return { is, pipeline, body, otherwise };
  }

  #next(): readonly Token[] {
    const piece = this.#pieces[this.#at++];
    return piece?.is === 'action' ? piece.tokens : [];
  }

  #pipeline(tokens: readonly Token[], place: Place): Pipeline {
    const sign = tokens.findIndex(({ kind }) => kind === ':=' || kind === '=');
    const names = tokens.slice(0, Math.max(sign, 0)).filter(({ kind }) => kind !== ',');
    const wrong = names.find(({ kind, text }) => kind !== 'variable' || text.includes('.'));
    if (wrong !== undefined) throw this.#bad(wrong, 'only variables ($NAME) can be given a value');
    const assigns = tokens[sign]?.kind === '=';
    const variables = names.map(({ text }) => text);
    const body = tokens.slice(sign + 1);
    const commands = this.#commands(body, place);
    if (assigns) for (const name of names) this.#knownVariable(name, name.text);
    else this.#variables.push(...variables);
    return { start: body[0]?.start ?? place.start, end: body.at(-1)?.end ?? place.end, variables, assigns, commands };
  }

  #commands(tokens: readonly Token[], place: Place): readonly Command[] {
    const commands: Command[] = [];
    let operands: Operand[] = [];
    const close = (at: Place): void => {
      const [first] = operands;
      if (first === undefined) throw this.#bad(at, 'a value is missing');
      commands.push({ operands, start: first.start, end: operands.at(-1)?.end ?? first.end });
      operands = [];
    };
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at] as Token;
      if (token.kind === '|') close(token);
      else if (token.kind === '(') {
        const end = this.#closing(tokens, at);
        const chain = tokens[end + 1];
        const isChained = chain?.kind === 'chain' && chain.isJoined && chain.text !== '.';
        const names = isChained ? namesOf(chain.text) : [];
        const inner = tokens.slice(at + 1, end);
        const pipeline = this.#within(token, () => this.#pipeline(inner, token));
        operands.push({ is: 'pipeline', pipeline, names, start: token.start, end: tokens[end]?.end ?? token.end });
        at = isChained ? end + 1 : end;
      } else operands.push(this.#operand(token));
    }
    close(tokens.at(-1) ?? place);
    return commands.map((command, at) => this.#checked(command, { isPiped: at > 0 }));
  }

  #within<T>(place: Place, work: () => T): T {
    if (this.#depth >= MAX_DEPTH) throw this.#bad(place, `more than ${MAX_DEPTH} of these stand within each other`);
    this.#depth++;
    const done = work();
    this.#depth--;
    return done;
  }

  #closing(tokens: readonly Token[], open: number): number {
    for (let at = open, depth = 0; at < tokens.length; at++) {
      const { kind } = tokens[at] as Token;
      if (kind === '(') depth++;
      else if (kind === ')' && --depth === 0) return at;
    }
    throw this.#bad(tokens[open] as Token, 'a parenthesis that is not closed');
  }

  #operand(token: Token): Operand {
    const { kind, text, start, end } = token;
    switch (kind) {
      case 'chain':
        return { is: 'dot', names: namesOf(text), start, end };
      case 'variable': {
        const [name = '$', ...names] = text.split('.');
        this.#knownVariable(token, name);
        return { is: 'variable', name, names, start, end };
      }
      case 'text':
        return { is: 'constant', value: this.#text(token), start, end };
      case 'number':
        return { is: 'constant', value: this.#number(token), start, end };
      case 'word':
        if (text === 'true' || text === 'false') return { is: 'constant', value: text === 'true', start, end };
        if (text === 'nil') return { is: 'constant', value: undefined, start, end };
        if (!FUNCTION_NAMES.includes(text))
          throw this.#bad(
            token,
            `there is no function ${JSON.stringify(text)}`,
            didYouMean(text, FUNCTION_NAMES, `fields begin with a dot; there are ${FUNCTION_NAMES.join(', ')}`),
          );
        return { is: 'function', name: text, start, end };
      default:
        throw this.#bad(token, `${text} cannot stand here`);
    }
  }

  /** Only a function takes something, and only one goes where something comes down the pipe. */
  #checked(command: Command, { isPiped }: { readonly isPiped: boolean }): Command {
    const [first, second] = command.operands;
    if (first?.is !== 'function' && (isPiped || second !== undefined))
      throw this.#bad(second ?? command, 'only a function can be given something, and this is none');
    return command;
  }

  #text(token: Token): string {
    if (token.text.startsWith('`')) return token.text.slice(1, -1);
    try {
      return String(JSON.parse(token.text.replaceAll(/\\x([0-9a-fA-F]{2})/g, '\\u00$1').replaceAll(/\\a/g, '\\u0007')));
    } catch {
      throw this.#bad(token, 'a text with an escape that is not known');
    }
  }

  #number(token: Token): GoValue {
    const { text } = token;
    if (/^[+-]?(?:0[xXbBoO])?[\da-fA-F_]+$/.test(text) && !/^[+-]?0\d/.test(text)) {
      const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
      if (/^(?:\d+|0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+)$/.test(digits))
        return text.startsWith('-') ? -BigInt(digits) : BigInt(digits);
    }
    const number = Number(text);
    if (Number.isNaN(number)) throw this.#bad(token, `${JSON.stringify(text)} is no number`);
    return number;
  }

  #knownVariable(token: Place, name: string): void {
    if (!this.#variables.includes(name)) throw this.#bad(token, `there is no variable ${name}`);
  }

  #bad(place: Place, message: string, hint?: string): BadTemplate {
    return new BadTemplate(this.#file, place, message, hint);
  }
}

function namesOf(chain: string): readonly string[] {
  return chain === '.' ? [] : chain.slice(1).split('.');
}
