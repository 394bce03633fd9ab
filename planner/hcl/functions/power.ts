/**
 * A power in double precision, to the last bit as Go's `math.Pow` computes it: the whole part of the exponent by
 * squaring mantissas in [0.5, 1), the rest by exponential and logarithm. `Math.pow` rounds differently.
 */
export function power(base: number, exponent: number): number {
  if (exponent === 0 || base === 1) return 1;
  if (exponent === 1) return base;
  if (base === 0 || !Number.isFinite(base) || !Number.isFinite(exponent)) return special(base, exponent);
  if (exponent === 0.5) return Math.sqrt(base);
  if (exponent === -0.5) return 1 / Math.sqrt(base);
  let whole = Math.trunc(Math.abs(exponent));
  let fraction = Math.abs(exponent) - whole;
  if (fraction !== 0 && base < 0) return Number.NaN;
  if (whole >= 2 ** 63) return base === -1 ? 1 : Math.abs(base) < 1 === exponent > 0 ? 0 : Number.POSITIVE_INFINITY;
  let mantissa = 1;
  let scale = 0;
  if (fraction !== 0) {
    if (fraction > 0.5) {
      fraction--;
      whole++;
    }
    mantissa = Math.exp(fraction * Math.log(base));
  }
  let [square, squareScale] = split(base);
  for (; whole !== 0; whole = Math.floor(whole / 2)) {
    if (Math.abs(squareScale) > 4096) {
      scale += squareScale;
      break;
    }
    if (whole % 2 === 1) {
      mantissa *= square;
      scale += squareScale;
    }
    square *= square;
    squareScale *= 2;
    if (square < 0.5) {
      square += square;
      squareScale--;
    }
  }
  return exponent < 0 ? scaled(1 / mantissa, -scale) : scaled(mantissa, scale);
}

/** Where zero and infinity take part: as everywhere, but that -1 to an infinite power is 1. */
function special(base: number, exponent: number): number {
  return base === -1 && !Number.isNaN(exponent) ? 1 : base ** exponent;
}

/** A number as a mantissa in [0.5, 1) and a power of two. */
function split(value: number): [mantissa: number, scale: number] {
  let mantissa = Math.abs(value);
  let scale = 0;
  while (mantissa >= 1) {
    mantissa /= 2;
    scale++;
  }
  while (mantissa < 0.5) {
    mantissa *= 2;
    scale--;
  }
  return [Math.sign(value) * mantissa, scale];
}

/** A mantissa times a power of two, rounded once. */
function scaled(mantissa: number, scale: number): number {
  const [part, more] = split(mantissa);
  const total = scale + more;
  if (total > 1100) return part < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (total < -1100) return part < 0 ? -0 : 0;
  const half = Math.trunc(total / 2);
  if (total > -1000) return part * 2 ** half * 2 ** (total - half);
  return part * 2 ** (total + 1000) * 2 ** -1000;
}
