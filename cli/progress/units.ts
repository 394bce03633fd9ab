const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `1.23MB`: decimal units, two decimals above bytes (tonistiigi/units). */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${UNITS[unit]}`;
}

/** `4.2s`. */
export function seconds(time: number): string {
  return `${Math.max(0, time).toFixed(1)}s`;
}
