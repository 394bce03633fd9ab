/**
 * Go's `path.Match`: `*` and `?` do not cross a slash, `[a-z]` and `[^a]` are classes, a backslash escapes. Undefined
 * for a pattern with a mistake in it.
 */
export function globMatcher(pattern: string): ((text: string) => boolean) | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = classEnd(pattern, at);
      if (end === -1) return undefined;
      const body = pattern.slice(at + 1, end);
      source += `[${body.startsWith('^') ? '^' : ''}${body.replace(/^\^/, '').replace(/[\]^[]/g, '\\$&')}]`;
      at = end;
    } else if (character === '\\') {
      at++;
      if (at >= pattern.length) return undefined;
      source += escaped(pattern[at] ?? '');
    } else source += escaped(character);
  }
  try {
    const expression = new RegExp(`^${source}$`, 's');
    return (text) => expression.test(text);
  } catch {
    return undefined;
  }
}

/** Whether a name is meant as a pattern. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

function classEnd(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern[at] === ']' && at > start + 1) return at;
  }
  return -1;
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
