import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Value } from '../value.ts';
import { any, define, num, typeName, valueAt } from './define.ts';

/** Functions on buffers of bytes, which no expression makes: they exist, and refuse what they get. */
export const BYTES_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  byteslen: define([any('buf')], refuse),
  bytesslice: define([any('buf'), num('offset'), num('length')], refuse),
};

function refuse(args: readonly Value[]): never {
  throw new CallError(`bytes required, but have ${typeName(valueAt(args, 0))}`, 0);
}

/** Bytes of the standard alphabet with its padding, newlines aside; undefined when it is anything else. */
export function decodeBase64(encoded: string): Buffer | undefined {
  const plain = encoded.replace(/[\r\n]/g, '');
  const isBase64 = plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
  return isBase64 ? Buffer.from(plain, 'base64') : undefined;
}

/** Bytes as text; undefined when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
