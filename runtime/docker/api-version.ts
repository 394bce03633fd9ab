/** The older of two API versions (`1.9` is older than `1.41`). */
export function olderApi(a: string, b: string): string {
  return compareApi(a, b) < 0 ? a : b;
}

/** Negative when `a` is the older API version. */
export function compareApi(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
