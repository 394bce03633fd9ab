import type { Scalar } from './node.ts';

const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, { float: Number.NaN }] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, { float: Infinity }] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, { float: -Infinity }] as const),
]);

const DATE =
  /^\d{4}-(\d{1,2})-(\d{1,2})(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/**
 * What an unquoted scalar means to the Compose loader: YAML 1.1 numbers, but only `true` and `false` as booleans
 * (go-yaml v3, `resolve.go`).
 */
export function plainScalar(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.\d]/.test(text)) return text;
  const date = DATE.exec(text);
  if (date && Number(date[1]) >= 1 && Number(date[1]) <= 12 && Number(date[2]) >= 1 && Number(date[2]) <= 31) {
    return { timestamp: text };
  }
  if (text.startsWith('.')) return FLOAT.test(text) ? float(text) : text;
  const plain = text.replaceAll('_', '');
  return integer(plain) ?? (FLOAT.test(plain) ? (float(plain) ?? text) : text);
}

/** A whole number of at most 64 bits in Go's notation; undefined for anything else. */
export function integer(text: string): bigint | undefined {
  const match = /^([-+]?)(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d*)$/.exec(text);
  if (!match) return undefined;
  const [, sign = '', digits = ''] = match;
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase());
  const signed = sign === '-' ? -value : value;
  const most = sign === '' ? 2n ** 64n - 1n : 2n ** 63n - 1n;
  return signed > most || signed < -(2n ** 63n) ? undefined : signed;
}

function float(text: string): Scalar {
  const value = Number(text);
  return Number.isFinite(value) ? { float: value } : text;
}

/** A scalar as text, as Go prints it. Null is empty. */
export function scalarText(value: Scalar): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return 'float' in value ? floatText(value.float) : timestampText(value.timestamp);
  return String(value);
}

/** The shortest digits that read back; with an exponent below 1e-4 and from 1e6 on (Go's `%v`). */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

function timestampText(text: string): string {
  const [, year = '', month = '', day = '', time = '00:00:00'] =
    /^(\d+)-(\d+)-(\d+)(?:[Tt ]([\d:.]+))?/.exec(text) ?? [];
  const two = (part: string): string => part.padStart(2, '0');
  return `${year}-${two(month)}-${two(day)} ${time.split(':').map(two).join(':')} +0000 UTC`;
}
