/**
 * Whether a command line can be taken apart into words (mattn/go-shellwords, as compose-go uses it): quotes and `$(` are
 * closed, and no parenthesis stands alone. What follows an operator of a shell is not looked at.
 */
export function isCommandLine(text: string): boolean {
  let open: '"' | "'" | '`' | '$(' | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\' && open !== "'") {
      if (++at >= text.length) return false;
      continue;
    }
    switch (char) {
      case '"':
      case "'":
      case '`':
        if (open === undefined) open = char;
        else if (open === char) open = undefined;
        break;
      case '(':
        if (open === undefined && text[at - 1] === '$') open = '$(';
        else if (open === undefined || open === '$(') return false;
        break;
      case ')':
        if (open === undefined) return false;
        if (open === '$(') open = undefined;
        break;
      case ';':
      case '&':
      case '|':
      case '<':
      case '>':
        if (open === undefined) return true;
        break;
      default:
    }
  }
  return open === undefined;
}
