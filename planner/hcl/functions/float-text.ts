import type { HclNumber } from '../number.ts';
import { formatNumber } from '../number.ts';

/** The digits of a number's magnitude, without zeros at either end, and where the decimal point stands among them. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** How a number is written: `e` with an exponent, `f` without, `g` whichever suits its size. Capitals make `E` of `e`. */
export type FloatFormat = 'e' | 'E' | 'f' | 'g' | 'G';

/**
 * A finite number in decimal with so many digits (`g`: significant ones, else after the point), rounded half to even; with
 * no precision as many as it takes to read it back. As Go's `big.Float.Text` has it.
 */
export function floatText(value: HclNumber, format: FloatFormat, precision?: number): string {
  const sign = value.mantissa < 0n || value.negativeZero === true ? '-' : '';
  return sign + magnitudeText(value, format, precision);
}

function magnitudeText(value: HclNumber, format: FloatFormat, precision: number | undefined): string {
  const exact = precision === undefined ? shortestDecimal(value) : exactDecimal(value);
  switch (format) {
    case 'e':
    case 'E': {
      const places = precision ?? Math.max(exact.digits.length - 1, 0);
      return withExponent(rounded(exact, places + 1), places, format);
    }
    case 'f': {
      const places = precision ?? Math.max(exact.digits.length - exact.point, 0);
      return withoutExponent(rounded(exact, exact.point + places), places);
    }
    default:
      return general(exact, format, precision);
  }
}

/** With an exponent below 10^-4, and from 10^precision (10^6 for the shortest form) on. */
function general(exact: Decimal, format: 'g' | 'G', precision: number | undefined): string {
  const wanted = precision === undefined ? exact.digits.length : Math.max(precision, 1);
  const decimal = rounded(exact, wanted);
  const length = decimal.digits.length;
  const limit = precision === undefined ? 6 : wanted > length && length >= decimal.point ? length : wanted;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= limit) {
    return withExponent(decimal, Math.min(wanted, length) - 1, format === 'g' ? 'e' : 'E');
  }
  const shown = wanted > decimal.point ? length : wanted;
  return withoutExponent(decimal, Math.max(shown - decimal.point, 0));
}

function withExponent({ digits, point }: Decimal, places: number, letter: 'e' | 'E'): string {
  const exponent = digits === '' ? 0 : point - 1;
  const fraction = places > 0 ? `.${digits.slice(1, places + 1).padEnd(places, '0')}` : '';
  const power = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits.charAt(0) || '0'}${fraction}${letter}${exponent < 0 ? '-' : '+'}${power}`;
}

function withoutExponent({ digits, point }: Decimal, places: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (places <= 0) return whole;
  const fraction = point < 0 ? '0'.repeat(Math.min(-point, places)) + digits : digits.slice(Math.max(point, 0));
  return `${whole}.${fraction.slice(0, places).padEnd(places, '0')}`;
}

/** The first so many digits, rounded half to even. */
function rounded({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: '', point: 0 };
  const kept = digits.slice(0, count);
  const next = digits.charAt(count);
  const isOdd = count > 0 && '13579'.includes(digits.charAt(count - 1));
  const isUp = next > '5' || (next === '5' && (count + 1 < digits.length || isOdd));
  return isUp ? oneMore(kept, point) : decimalOf(kept, point);
}

function oneMore(digits: string, point: number): Decimal {
  const nines = /9*$/.exec(digits)?.[0].length ?? 0;
  const head = digits.slice(0, digits.length - nines);
  if (head === '') return { digits: '1', point: point + 1 };
  return { digits: head.slice(0, -1) + String(Number(head.slice(-1)) + 1), point };
}

/** Every digit that a binary number has. */
function exactDecimal({ mantissa, exponent }: HclNumber): Decimal {
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  if (exponent >= 0) {
    const digits = (magnitude << BigInt(exponent)).toString();
    return decimalOf(digits, digits.length);
  }
  const digits = (magnitude * 5n ** BigInt(-exponent)).toString();
  return decimalOf(digits, digits.length + exponent);
}

function shortestDecimal(value: HclNumber): Decimal {
  const [whole = '', fraction = ''] = formatNumber(value).replace('-', '').split('.');
  const leading = /^0*/.exec(whole + fraction)?.[0].length ?? 0;
  return decimalOf((whole + fraction).slice(leading), whole.length - leading);
}

function decimalOf(digits: string, point: number): Decimal {
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' ? { digits: '', point: 0 } : { digits: trimmed, point };
}
