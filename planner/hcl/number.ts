/**
 * HCL's numbers: binary floating point with a mantissa of 512 bits, rounded to nearest even (zclconf/go-cty uses Go's
 * big.Float). Kept as `mantissa * 2^exponent` with an odd mantissa (or zero), so that equal numbers have one form.
 */
export interface HclNumber {
  readonly mantissa: bigint;
  readonly exponent: number;
  /** How many bits this number was rounded to; decides how many digits print. */
  readonly precision: number;
  readonly infinite?: 1 | -1;
  readonly negativeZero?: boolean;
}

const PRECISION = 512;

/** Beyond this, a decimal exponent is no number anybody meant, and would cost memory. */
const MAX_DECIMAL_EXPONENT = 20_000;

/** Beyond this power of two a number is infinite, or zero: what can be reached by multiplying must stay printable. */
const MAX_EXPONENT = 2 ** 18;

export const ZERO: HclNumber = { mantissa: 0n, exponent: 0, precision: PRECISION };

/** A whole number, exactly (rounded past 512 bits). */
export function fromInteger(value: bigint | number): HclNumber {
  return round(BigInt(value), 0);
}

/** A whole number with as many bits as it has, be they more than other numbers keep. */
export function exactInteger(value: bigint): HclNumber {
  return round(value, 0, Math.max(64, bitLength(abs(value))));
}

/** A double, with the 53 bits it has. */
export function fromDouble(value: number): HclNumber {
  if (!Number.isFinite(value)) return { mantissa: 0n, exponent: 0, precision: 53, infinite: value > 0 ? 1 : -1 };
  if (value === 0) return { mantissa: 0n, exponent: 0, precision: 53, negativeZero: Object.is(value, -0) };
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = field === 0 ? fraction : fraction | (1n << 52n);
  return round(value < 0 ? -mantissa : mantissa, (field === 0 ? 1 : field) - 1075, 53);
}

/** Reads decimal text (`-1.5e3`, `.5`, `5.`); undefined when it is none. */
export function parseNumber(text: string): HclNumber | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  if (whole + fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  const scale = Number(power) - fraction.length;
  if (Math.abs(scale) > MAX_DECIMAL_EXPONENT) return undefined;
  const signed = sign === '-' ? -digits : digits;
  if (digits === 0n) return sign === '-' ? { ...ZERO, negativeZero: true } : ZERO;
  return scale >= 0 ? round(signed * 10n ** BigInt(scale), 0) : quotient(signed, 10n ** BigInt(-scale), 0);
}

/** The shortest decimal digits that read back as the same number; never an exponent. */
export function formatNumber(value: HclNumber): string {
  if (value.infinite !== undefined) return value.infinite > 0 ? '+Inf' : '-Inf';
  if (value.mantissa === 0n) return value.negativeZero === true ? '-0' : '0';
  const sign = value.mantissa < 0n ? '-' : '';
  const magnitude = abs(value.mantissa);
  if (value.exponent >= 0) {
    const whole = magnitude << BigInt(value.exponent);
    if (bitLength(whole) <= value.precision) return sign + whole.toString();
  }
  const { digits, point } = shortest(magnitude, value.exponent, value.precision);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The sum; there is none of opposing infinities. */
export function add(a: HclNumber, b: HclNumber): HclNumber | undefined {
  if (a.infinite !== undefined) return b.infinite === undefined || b.infinite === a.infinite ? a : undefined;
  if (b.infinite !== undefined) return b;
  const exponent = Math.min(a.exponent, b.exponent);
  return round((a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent)), exponent);
}

export function negate(a: HclNumber): HclNumber {
  if (a.infinite !== undefined) return { ...a, infinite: a.infinite === 1 ? -1 : 1 };
  if (a.mantissa === 0n) return { ...a, negativeZero: a.negativeZero !== true };
  return { ...a, mantissa: -a.mantissa };
}

export function subtract(a: HclNumber, b: HclNumber): HclNumber | undefined {
  return add(a, negate(b));
}

/** The product; there is none of zero and infinity. */
export function multiply(a: HclNumber, b: HclNumber): HclNumber | undefined {
  if (a.infinite !== undefined || b.infinite !== undefined) {
    const sign = signOf(a) * signOf(b);
    return sign === 0 ? undefined : { ...ZERO, infinite: sign < 0 ? -1 : 1 };
  }
  return round(a.mantissa * b.mantissa, a.exponent + b.exponent);
}

/** Division by zero is infinite, as in the reference; zero by zero is undefined. */
export function divide(a: HclNumber, b: HclNumber): HclNumber | undefined {
  if (a.infinite !== undefined && b.infinite !== undefined) return undefined;
  if (a.infinite !== undefined) return { ...ZERO, infinite: a.infinite * (signOf(b) || 1) < 0 ? -1 : 1 };
  if (b.infinite !== undefined) return ZERO;
  if (b.mantissa === 0n) return a.mantissa === 0n ? undefined : { ...ZERO, infinite: a.mantissa < 0n ? -1 : 1 };
  const sign = b.mantissa < 0n ? -1n : 1n;
  return quotient(a.mantissa * sign, abs(b.mantissa), a.exponent - b.exponent);
}

/**
 * The rest of the division with the sign of the dividend; anything modulo zero is itself, and where one side is infinite
 * it is their product (zclconf/go-cty `Modulo`).
 */
export function modulo(a: HclNumber, b: HclNumber): HclNumber | undefined {
  if (a.infinite !== undefined || b.infinite !== undefined) return multiply(a, b);
  if (b.mantissa === 0n) return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.mantissa << BigInt(a.exponent - exponent);
  const right = b.mantissa << BigInt(b.exponent - exponent);
  return round(left % right, exponent);
}

export function compare(a: HclNumber, b: HclNumber): -1 | 0 | 1 {
  if (a.infinite !== undefined || b.infinite !== undefined) {
    const [left, right] = [a.infinite ?? 0, b.infinite ?? 0];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.mantissa << BigInt(a.exponent - exponent);
  const right = b.mantissa << BigInt(b.exponent - exponent);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function isInteger(value: HclNumber): boolean {
  return value.infinite === undefined && value.exponent >= 0;
}

/** The number as a JavaScript one, rounded; for counts and indexes. */
export function toDouble(value: HclNumber): number {
  if (value.infinite !== undefined) return value.infinite * Number.POSITIVE_INFINITY;
  return Number(formatNumber(value));
}

/** The whole number it is; undefined when it is none. */
export function toInteger(value: HclNumber): bigint | undefined {
  return isInteger(value) ? value.mantissa << BigInt(value.exponent) : undefined;
}

/** -1, 0 or 1. */
export function signOf(value: HclNumber): -1 | 0 | 1 {
  if (value.infinite !== undefined) return value.infinite;
  return value.mantissa < 0n ? -1 : value.mantissa > 0n ? 1 : 0;
}

/** Towards minus infinity, or plus. */
export function floor(value: HclNumber): HclNumber {
  if (value.infinite !== undefined || value.exponent >= 0) return value;
  return round(value.mantissa >> BigInt(-value.exponent), 0);
}

export function ceil(value: HclNumber): HclNumber {
  const result = negate(floor(negate(value)));
  return result.mantissa === 0n && result.infinite === undefined ? ZERO : result;
}

/** Towards zero. */
export function truncate(value: HclNumber): HclNumber {
  return signOf(value) < 0 ? ceil(value) : floor(value);
}

function quotient(numerator: bigint, denominator: bigint, exponent: number): HclNumber {
  const shift = Math.max(0, PRECISION + 2 + bitLength(denominator) - bitLength(abs(numerator)));
  const shifted = abs(numerator) << BigInt(shift);
  const whole = shifted / denominator;
  const sticky = shifted % denominator === 0n ? whole << 1n : (whole << 1n) | 1n;
  return round(numerator < 0n ? -sticky : sticky, exponent - shift - 1);
}

/** Rounds to nearest, ties to even, and takes out trailing zero bits. */
function round(mantissa: bigint, exponent: number, precision = PRECISION): HclNumber {
  if (mantissa === 0n) return { mantissa, exponent: 0, precision };
  const negative = mantissa < 0n;
  let magnitude = negative ? -mantissa : mantissa;
  let power = exponent;
  const excess = bitLength(magnitude) - precision;
  if (excess > 0) {
    const half = 1n << BigInt(excess - 1);
    const rest = magnitude & ((1n << BigInt(excess)) - 1n);
    magnitude >>= BigInt(excess);
    if (rest > half || (rest === half && (magnitude & 1n) === 1n)) magnitude += 1n;
    power += excess;
  }
  if (Math.abs(power) > MAX_EXPONENT) {
    return power < 0 ? { ...ZERO, precision } : { ...ZERO, precision, infinite: negative ? -1 : 1 };
  }
  const zeros = trailingZeros(magnitude);
  return { mantissa: (negative ? -1n : 1n) * (magnitude >> BigInt(zeros)), exponent: power + zeros, precision };
}

/** The fewest digits inside the interval that rounds to this number (Steele and White; Go `strconv` roundShortest). */
function shortest(magnitude: bigint, exponent: number, precision: number): { digits: string; point: number } {
  const full = magnitude << BigInt(Math.max(0, precision - bitLength(magnitude)));
  const power = exponent - Math.max(0, precision - bitLength(magnitude));
  const scale = Math.max(0, 2 - power);
  const unit = 1n << BigInt(scale + power - 1);
  const value = full << BigInt(scale + power);
  const isPowerOfTwo = (full & (full - 1n)) === 0n;
  const low = value - (isPowerOfTwo ? unit / 2n : unit);
  const high = value + unit;
  const inclusive = full % 2n === 0n;
  const denominator = 1n << BigInt(scale);
  const decimals = Math.ceil(scale * 0.30103) + 2;
  const step = 10n ** BigInt(decimals);
  const scaled = (one: bigint): bigint => one * step;
  const text = (scaled(value) / denominator).toString();
  for (let length = 1; length <= text.length; length++) {
    const unitStep = 10n ** BigInt(text.length - length);
    const base = scaled(value) / denominator / unitStep;
    for (const candidate of nearest(base, unitStep, scaled(value), denominator)) {
      const at = candidate * unitStep * denominator;
      const above = inclusive ? at >= scaled(low) : at > scaled(low);
      const below = inclusive ? at <= scaled(high) : at < scaled(high);
      if (above && below) {
        const digits = candidate.toString();
        const point = text.length - decimals + (digits.length - length);
        return { digits: digits.replace(/0+$/, ''), point };
      }
    }
  }
  return { digits: text.replace(/0+$/, ''), point: text.length - decimals };
}

function nearest(base: bigint, unitStep: bigint, value: bigint, denominator: bigint): readonly bigint[] {
  const rest = value - base * unitStep * denominator;
  return rest * 2n < unitStep * denominator ? [base, base + 1n] : [base + 1n, base];
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** What most numbers are below; they are counted without a text of their digits. */
const SMALL = 1n << 31n;

function bitLength(value: bigint): number {
  if (value < SMALL) return 32 - Math.clz32(Number(value));
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
}

function trailingZeros(value: bigint): number {
  if (value < SMALL) return 31 - Math.clz32(Number(value) & -Number(value));
  const binary = value.toString(2);
  return binary.length - 1 - binary.lastIndexOf('1');
}
