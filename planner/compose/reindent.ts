import { CST, Lexer } from 'yaml';

const CLOSED = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')$/s;
/** Far enough right of any sensible parent. */
const INDENT = ' '.repeat(256);
const MAX_ROUNDS = 200;

/** A text with lines moved to the right, and where its characters come from. */
export interface Reindented {
  readonly text: string;
  readonly originalOffset: (offset: number) => number;
}

/**
 * The Compose loader reads flow collections and quoted text whose later lines stand left of their parent (JSON pasted
 * into YAML); the `yaml` package does not. Moves the lines of such a collection or text to the right. Undefined when there
 * are none.
 */
export function reindented(text: string): Reindented | undefined {
  let current: Reindented = { text, originalOffset: (offset) => offset };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const broken = brokenRange(current.text);
    if (broken === undefined) return round === 0 ? undefined : current;
    current = indented(current, broken);
  }
  return undefined;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function indented({ text, originalOffset }: Reindented, { start, end }: Range): Reindented {
  const starts: number[] = [];
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) {
    if (!/^[ \t]*\r?(?:\n|$)/.test(text.slice(at + 1, at + 300))) starts.push(at + 1);
  }
  const parts = starts.map((at, index) => text.slice(index === 0 ? 0 : starts[index - 1], at));
  const rest = text.slice(starts.at(-1) ?? 0);
  return {
    text: [...parts, rest].join(INDENT),
    originalOffset: (offset) => {
      let index = 0;
      while (index < starts.length && offset >= (starts[index] ?? 0) + index * INDENT.length) index++;
      const shifted = offset - index * INDENT.length;
      return originalOffset(Math.max(shifted, index === 0 ? 0 : (starts[index - 1] ?? 0)));
    },
  };
}

/** The flow collection or quoted text that the lexer breaks off. */
function brokenRange(text: string): Range | undefined {
  let offset = 0;
  let depth = 0;
  let start = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === CST.FLOW_END) return { start, end: flowEnd(text, start) };
    if (isMark(token)) continue;
    if (token === '{' || token === '[') {
      if (depth++ === 0) start = offset;
    } else if (token === '}' || token === ']') depth--;
    const isBroken = /^["']/.test(token) && !CLOSED.test(token);
    if (isBroken && depth > 0) return { start, end: flowEnd(text, start) };
    if (isBroken) return { start: offset, end: quoteEnd(text, offset) };
    offset += token.length;
  }
  return undefined;
}

/** Whether a token of the lexer stands for no text. */
export function isMark(token: string): boolean {
  return token === CST.DOCUMENT || token === CST.SCALAR || token === CST.FLOW_END;
}

/** Where the bracket that closes the one at `start` is. */
function flowEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') {
      if (--depth === 0) return at;
    } else if (character === '"' || character === "'") {
      if (/[\s,{[:]/.test(text[at - 1] ?? ' ')) at = quoteEnd(text, at);
    } else if (character === '#' && /\s/.test(text[at - 1] ?? '')) {
      const newline = text.indexOf('\n', at);
      at = newline === -1 ? text.length : newline;
    }
  }
  return text.length;
}

/** Where the quote that closes the one at `start` is. */
function quoteEnd(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++;
    else if (text[at] === quote) {
      if (quote === "'" && text[at + 1] === "'") at++;
      else return at;
    }
  }
  return text.length;
}
