import { RegistryError } from '../../runtime/registry/registry-error.ts';
import { printable } from './text.ts';

/** What a registry refused, in words, and what would help; `ERROR:` stands before the first line. */
export function registryFailureText(error: Error, about = ''): string {
  const hint = registryHint(error);
  const lines = [`ERROR: ${about}${printable(error.message).replaceAll('\n', '\n    ')}`];
  return [...lines, ...(hint === undefined ? [] : [`  ${hint}`])].join('\n');
}

/** What would help against what a registry refused; undefined where there is nothing to say. */
export function registryHint(error: Error): string | undefined {
  return error instanceof RegistryError ? hintFor(error) : undefined;
}

function hintFor(error: RegistryError): string | undefined {
  const { registry, status } = error;
  switch (status) {
    case 0:
      return unansweredHint(error);
    case 401:
    case 403:
      return `log in with \`docker login ${registry}\`, or check that the account may do this there`;
    case 404:
      return 'check the name and the tag; some registries make no repository by themselves: create it there first';
    case 413:
      return `${registry} takes nothing as large as that`;
    case 429:
      return `${registry} limits how often it is asked: wait a little, or log in, which often allows more`;
    default:
      return status >= 500 ? `${registry} is not well; try again later` : undefined;
  }
}

function unansweredHint({ registry, cause }: RegistryError): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (/CERT|SIGNATURE|ISSUER/.test(code))
    return `${registry} has a certificate that is not trusted here: add its authority to the system's, or name a file with it in NODE_EXTRA_CA_CERTS`;
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return `does ${registry} speak TLS? plain http is used on the loopback interface only`;
  return code === '' ? undefined : `is ${registry} running, and can it be reached from here?`;
}
