import { Lexer } from 'yaml';

/** The token that the lexer gives where a flow collection breaks off because its next line stands too far left. */
const FLOW_BROKEN = '\u0018';
/** Tokens that stand for no text. */
const DOCUMENT = '\u0002';
const SCALAR = '\u001f';
const CLOSED = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')$/s;
/** Far enough right of any sensible parent. */
const INDENT = ' '.repeat(256);
const MAX_LINES = 2000;

/**
 * The Compose loader reads flow collections and quoted text whose later lines stand left of their parent (JSON pasted
 * into YAML); the `yaml` package does not. Moves such lines to the right. Undefined when there are none.
 */
export function reindented(
  text: string,
): { readonly text: string; readonly originalOffset: (offset: number) => number } | undefined {
  let current = text;
  const moved: number[] = [];
  for (let at = brokenLine(current); at !== undefined; at = brokenLine(current)) {
    if (moved.length >= MAX_LINES || moved.at(-1) === at) return undefined;
    current = current.slice(0, at) + INDENT + current.slice(at);
    moved.push(at);
  }
  if (moved.length === 0) return undefined;
  return {
    text: current,
    originalOffset: (offset) => {
      let original = offset;
      for (const at of [...moved].reverse()) if (original >= at) original = Math.max(at, original - INDENT.length);
      return original;
    },
  };
}

/** Where the first line starts that breaks a flow collection or a quoted text. */
function brokenLine(text: string): number | undefined {
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === FLOW_BROKEN) return text.lastIndexOf('\n', offset - 1) + 1;
    if (token === DOCUMENT || token === SCALAR) continue;
    offset += token.length;
    const isBroken = /^["']/.test(token) && !CLOSED.test(token) && /^\r?\n/.test(text.slice(offset, offset + 2));
    if (isBroken) return text.indexOf('\n', offset) + 1;
  }
  return undefined;
}
