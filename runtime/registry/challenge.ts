/** How a registry wants to be spoken to (RFC 9110, 11.6.1). */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string; readonly scopes: readonly string[] };

/** The first challenge of a `WWW-Authenticate` that is understood; bearer before basic, as others have it. */
export function challengeIn(headers: string | readonly string[] | undefined): Challenge | undefined {
  const all = typeof headers === 'string' ? [headers] : (headers ?? []);
  const found = all.flatMap((header) => parsed(header) ?? []);
  return found.find(({ scheme }) => scheme === 'bearer') ?? found[0];
}

function parsed(header: string): Challenge | undefined {
  const [, scheme = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(header) ?? [];
  if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' };
  if (scheme.toLowerCase() !== 'bearer') return undefined;
  const parameters = new Map(
    [...rest.matchAll(/([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(([, name = '', quoted, plain]) => [
      name.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
    ]),
  );
  const realm = parameters.get('realm') ?? '';
  if (realm === '') return undefined;
  const scopes = (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  return { scheme: 'bearer', realm, service: parameters.get('service') ?? '', scopes };
}
