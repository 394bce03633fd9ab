/** The way to a value: keys, and `[]` for an item of a list. */
export type Path = readonly string[];

/** A path in words: `services.web.build.args.[]`. */
export function pathText(path: Path): string {
  return path.join('.');
}

/** Answers for paths, by patterns in which `*` stands for any one step. The first pattern that fits counts. */
export class PathTable<T> {
  readonly #byLength = new Map<number, { readonly steps: Path; readonly value: T }[]>();

  constructor(rows: Iterable<readonly [string, T]>) {
    for (const [pattern, value] of rows) {
      const steps = pattern.split('.');
      this.#byLength.set(steps.length, [...(this.#byLength.get(steps.length) ?? []), { steps, value }]);
    }
  }

  get(path: Path): T | undefined {
    return this.#byLength
      .get(path.length)
      ?.find(({ steps }) => steps.every((step, at) => step === '*' || step === path[at]))?.value;
  }
}
