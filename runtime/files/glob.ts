/**
 * What one part of a glob takes. `folders` is a double star before more of the glob: nothing, or whole folders with the
 * slash behind them; `rest` is one at the end.
 */
type Token =
  | { readonly is: 'one'; readonly takes: (character: string) => boolean }
  | { readonly is: 'star' }
  | { readonly is: 'folders' }
  | { readonly is: 'rest' };

/**
 * A matcher of whole paths for a glob that has been checked, with the meaning that moby/patternmatcher gives it.
 *
 * It follows all ways through the glob at once, so that its time is the glob's length times the path's: globs come from
 * files that others wrote, and a backtracking `RegExp` takes for ever on `*a*a*a*a*b` (Go's does not backtrack).
 */
export function globMatcher(glob: string): (path: string) => boolean {
  const tokens = tokensOf(glob);
  return (path) => {
    // Two places for each token: before it, and within the folders that it takes.
    let at = new Uint8Array(2 * tokens.length + 1);
    reach(tokens, at, 0);
    for (const character of path) {
      const next = new Uint8Array(at.length);
      for (const [index, token] of tokens.entries()) {
        if (at[2 * index] === 1) step(tokens, token, { index, character, next });
        if (at[2 * index + 1] === 1) stepWithin(tokens, { index, character, next });
      }
      at = next;
    }
    return at[2 * tokens.length] === 1;
  };
}

interface Step {
  readonly index: number;
  readonly character: string;
  readonly next: Uint8Array;
}

function step(tokens: readonly Token[], token: Token, { index, character, next }: Step): void {
  switch (token.is) {
    case 'one':
      if (token.takes(character)) reach(tokens, next, index + 1);
      break;
    case 'star':
      if (character !== '/') reach(tokens, next, index);
      break;
    case 'rest':
      reach(tokens, next, index);
      break;
    case 'folders':
      stepWithin(tokens, { index, character, next });
      break;
  }
}

function stepWithin(tokens: readonly Token[], { index, character, next }: Step): void {
  next[2 * index + 1] = 1;
  if (character === '/') reach(tokens, next, index + 1);
}

/** Marks a place, and those behind it that need no character. */
function reach(tokens: readonly Token[], places: Uint8Array, from: number): void {
  for (let index = from; places[2 * index] !== 1; index++) {
    places[2 * index] = 1;
    const token = tokens[index];
    if (token === undefined || token.is === 'one') return;
  }
}

function tokensOf(glob: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length;) {
    const rest = glob.slice(at);
    if (rest.startsWith('**')) {
      at += rest.startsWith('**/') ? 3 : 2;
      tokens.push(at >= glob.length ? { is: 'rest' } : { is: 'folders' });
    } else if (rest.startsWith('*')) {
      tokens.push({ is: 'star' });
      at++;
    } else if (rest.startsWith('?')) {
      tokens.push({ is: 'one', takes: (character) => character !== '/' });
      at++;
    } else if (rest.startsWith('[')) {
      const end = classEnd(glob, at);
      tokens.push({ is: 'one', takes: characterClass(glob.slice(at + 1, end)) });
      at = end + 1;
    } else {
      if (rest.startsWith('\\')) at++;
      const literal = String.fromCodePoint(glob.codePointAt(at) ?? 0);
      tokens.push({ is: 'one', takes: (character) => character === literal });
      at += literal.length;
    }
  }
  return tokens;
}

/** Where a `[...]` ends; Go takes a `]` in first place as the end of an empty, and so bad, class. */
export function classEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ']') return at;
  }
  return -1;
}

function characterClass(body: string): (character: string) => boolean {
  const negated = body.startsWith('^');
  const characters: string[] = [];
  const ranges: (readonly [from: number, to: number])[] = [];
  let isRange = false;
  for (let at = negated ? 1 : 0; at < body.length;) {
    const escaped = body[at] === '\\';
    if (escaped) at++;
    const character = String.fromCodePoint(body.codePointAt(at) ?? 0);
    at += character.length;
    if (character === '-' && !escaped && characters.length > 0 && at < body.length) {
      isRange = true;
      continue;
    }
    if (isRange) ranges.push([characters.pop()?.codePointAt(0) ?? 0, character.codePointAt(0) ?? 0]);
    else characters.push(character);
    isRange = false;
  }
  return (character) => {
    const code = character.codePointAt(0) ?? 0;
    const found = characters.includes(character) || ranges.some(([from, to]) => from <= code && code <= to);
    return found !== negated;
  };
}
