import type { Span } from '../source.ts';
import { ComposeError } from './error.ts';
import type { Scalar } from './node.ts';
import { plainScalar } from './scalar.ts';

/**
 * What a scalar with one of YAML's own tags means; unknown tags mean nothing, as in the reference. Throws
 * {@link ComposeError} when it cannot be what its tag says.
 */
export function tagged(tag: string | undefined, value: Scalar, text: string, span: Span): Scalar {
  const name = /^tag:yaml\.org,2002:(.*)$/.exec(tag ?? '')?.[1];
  const resolved = typeof value === 'string' ? plainScalar(text) : value;
  const isFloat = typeof resolved === 'object' && resolved !== null && 'float' in resolved;
  switch (name) {
    case 'str':
      return text;
    case 'int':
      if (typeof resolved === 'bigint') return resolved;
      break;
    case 'float':
      if (typeof resolved === 'bigint') return { float: Number(resolved) };
      if (isFloat) return resolved;
      break;
    case 'bool':
      if (typeof resolved === 'boolean') return resolved;
      break;
    case 'null':
      if (resolved === null) return null;
      break;
    case 'binary':
      return decodedBinary(text, span);
    default:
      return value;
  }
  throw new ComposeError({
    reason: 'wrong-type',
    message: `yaml: cannot decode !!${kindOf(resolved)} \`${text}\` as a !!${name}`,
    hint: 'take out the tag, or write a value of its kind',
    span,
  });
}

function decodedBinary(text: string, span: Span): string {
  const base64 = text.replace(/[\r\n]/g, '');
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(base64) && base64.length % 4 === 0) {
    return Buffer.from(base64, 'base64').toString('utf8');
  }
  throw new ComposeError({
    reason: 'wrong-type',
    message: 'yaml: !!binary value contains invalid base64 data',
    hint: 'write it in base64, with its = at the end; or take out the tag',
    span,
  });
}

function kindOf(value: Scalar): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'object') return 'float' in value ? 'float' : 'timestamp';
  return 'str';
}
