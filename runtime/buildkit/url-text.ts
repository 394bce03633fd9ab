/** What stands for a name, a password or a value that is nobody's business. */
const HIDDEN = 'xxxxx';

/**
 * A URL without the password or token in it, for whoever reads along: neither the user's nor the values behind `?`. Where a
 * password holds what a URL may not have there (`/`, `?`, `#`), everything up to the last `@` is taken for it.
 */
export function withoutPassword(url: string): string {
  const [, scheme = '', rest = url] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? [];
  const at = scheme === '' ? -1 : endOfUser(rest);
  return `${scheme}${at === -1 ? '' : shownUser(scheme, rest.slice(0, at))}${withoutValues(rest.slice(at + 1))}`;
}

/** A text in which every URL is shown {@link withoutPassword}. */
export function withoutPasswords(text: string): string {
  return text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi, withoutPassword);
}

/**
 * The address of a repository without its user and password, as provenance and labels name it (moby/buildkit
 * `util/urlutil/redact.go`); the user of `git@host:path` is no secret. Where a password holds what it may not have there
 * (`/`, `?`, `#`), everything up to the last `@` is taken for it, while buildx shows all of it.
 */
export function withoutUser(remote: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(remote) ?? [];
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  const at = authority.includes('@') ? authority.lastIndexOf('@') : endOfUser(rest);
  if (scheme === '' || at === -1) return remote;
  const [name = '', ...password] = rest.slice(0, at).split(':');
  const user = `${name === '' ? '' : HIDDEN}${password.length > 0 ? `:${HIDDEN}` : ''}`;
  return `${scheme}${user}${rest.slice(at)}`;
}

/** Where the `@` in front of the host is; -1 where there is none. */
function endOfUser(rest: string): number {
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  if (authority.includes('@')) return (/^[^?#]*/.exec(rest)?.[0] ?? '').lastIndexOf('@');
  const isHost = /^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/.test(authority);
  return isHost ? -1 : rest.lastIndexOf('@');
}

/** A user alone is a token with http, and with anything else only a name. */
function shownUser(scheme: string, user: string): string {
  if (user.includes(':')) return `${HIDDEN}:${HIDDEN}@`;
  return /^https?:/i.test(scheme) ? `${HIDDEN}@` : `${user}@`;
}

function withoutValues(rest: string): string {
  return rest.replace(/\?([^#]*)/, (_whole, query: string) => `?${query.split('&').map(withoutValue).join('&')}`);
}

function withoutValue(pair: string): string {
  if (pair === '') return '';
  const equals = pair.indexOf('=');
  return equals === -1 ? HIDDEN : `${pair.slice(0, equals)}=${HIDDEN}`;
}
