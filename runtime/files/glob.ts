/**
 * What one part of a glob takes. `folders` is a double star before more of the glob: nothing, or whole folders with the
 * slash behind them; `rest` is one at the end.
 */
type Token =
  | { readonly is: 'literal'; readonly character: string }
  | { readonly is: 'one'; readonly takes: (character: string) => boolean }
  | { readonly is: 'star' }
  | { readonly is: 'folders' }
  | { readonly is: 'rest' };

/**
 * A matcher of whole paths for a glob that has been checked, with the meaning that moby/patternmatcher gives it.
 *
 * It follows all ways through the glob at once, so that its time is the glob's length times the path's: globs come from
 * files that others wrote, and a backtracking `RegExp` takes for ever on `*a*a*a*a*b` (Go's does not backtrack). Most
 * paths lack a text that the glob demands, and are refused before that.
 */
export function globMatcher(glob: string): (path: string) => boolean {
  const tokens = tokensOf(glob);
  const { start, end, middle } = demandedTexts(tokens);
  const machine = new Machine(tokens);
  return (path) => path.startsWith(start) && path.endsWith(end) && path.includes(middle) && machine.matches(path);
}

/** The texts with which a path must start and end, and the longest that must be somewhere in it. */
function demandedTexts(tokens: readonly Token[]): {
  readonly start: string;
  readonly end: string;
  readonly middle: string;
} {
  const runs = [''];
  for (const token of tokens) {
    if (token.is === 'literal') runs.push(`${runs.pop() ?? ''}${token.character}`);
    else runs.push('');
  }
  const middle = runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
  return { start: runs[0] ?? '', end: runs.at(-1) ?? '', middle };
}

/** A set of places in a glob, and where each character leads from there, as far as it has been asked. */
interface State {
  readonly places: readonly number[];
  readonly isEnd: boolean;
  /** Whether it may be met again. */
  readonly isKept: boolean;
  /** By code point. */
  readonly next: (State | undefined)[];
}

/** Further ones are made anew each time: a glob can be made to have exponentially many. */
const MAX_STATES = 128;

/** What is beyond ASCII is worked out each time: arrays stay small. */
const MAX_KEPT_CODE = 128;

/**
 * Each token has two places: before it, and within the folders that it takes; one more is the end of the glob. Which places
 * a character leads to is worked out once.
 */
class Machine {
  readonly #tokens: readonly Token[];
  readonly #states = new Map<string, State>();
  readonly #start: State;
  /** By place, the turn in which it was last reached. */
  readonly #reachedIn: Float64Array;
  #turn = 0;
  #reached: number[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#reachedIn = new Float64Array(2 * tokens.length + 1);
    this.#beginTurn();
    this.#reach(0);
    this.#start = this.#reachedState();
  }

  matches(path: string): boolean {
    let state = this.#start;
    for (let at = 0; at < path.length; at++) {
      const code = path.codePointAt(at) ?? 0;
      if (code > 0xffff) at++;
      state = state.next[code] ?? this.#follow(state, code);
      if (state.places.length === 0) return false;
    }
    return state.isEnd;
  }

  #follow(from: State, code: number): State {
    const character = String.fromCodePoint(code);
    this.#beginTurn();
    for (const place of from.places) this.#step(place, character);
    const state = this.#reachedState();
    if (from.isKept && state.isKept && code < MAX_KEPT_CODE) from.next[code] = state;
    return state;
  }

  #beginTurn(): void {
    this.#turn++;
    this.#reached = [];
  }

  #reachedState(): State {
    const places = this.#reached;
    const isEnd = this.#reachedIn[2 * this.#tokens.length] === this.#turn;
    if (this.#states.size >= MAX_STATES) return { places, isEnd, isKept: false, next: [] };
    const key = places.join();
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const made = { places, isEnd, isKept: true, next: [] };
    this.#states.set(key, made);
    return made;
  }

  #step(place: number, character: string): void {
    const index = place >> 1;
    const token = this.#tokens[index];
    if (token === undefined) return;
    if (place % 2 === 1) return this.#stepWithin(index, character);
    switch (token.is) {
      case 'literal':
        if (token.character === character) this.#reach(index + 1);
        break;
      case 'one':
        if (token.takes(character)) this.#reach(index + 1);
        break;
      case 'star':
        if (character !== '/') this.#reach(index);
        break;
      case 'rest':
        this.#reach(index);
        break;
      case 'folders':
        this.#stepWithin(index, character);
        break;
    }
  }

  #stepWithin(index: number, character: string): void {
    this.#mark(2 * index + 1);
    if (character === '/') this.#reach(index + 1);
  }

  /** Marks the place before a token, and those behind it that need no character. */
  #reach(from: number): void {
    for (let index = from; this.#mark(2 * index); index++) {
      const token = this.#tokens[index];
      if (token === undefined || token.is === 'literal' || token.is === 'one') return;
    }
  }

  /** False when the place has been marked in this turn. */
  #mark(place: number): boolean {
    if (this.#reachedIn[place] === this.#turn) return false;
    this.#reachedIn[place] = this.#turn;
    this.#reached.push(place);
    return true;
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
      const character = String.fromCodePoint(glob.codePointAt(at) ?? 0);
      tokens.push({ is: 'literal', character });
      at += character.length;
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
