import type { RunKind } from '../../../runtime/schedule/durations.ts';
import type { SimulatedBake, Task } from './bake.ts';
import type { Random } from './random.ts';

/** Which targets there are and which links they have: each task's needs, as indexes of earlier ones. */
export type Shape = readonly (readonly number[])[];

/** Targets that have nothing to do with each other. */
export function wide(count: number): Shape {
  return Array.from({ length: count }, () => []);
}

/** Targets that stand on each other, in chains of a length. */
export function chains(count: number, length: number): Shape {
  return Array.from({ length: count }, (_, at) => (at % length === 0 ? [] : [at - 1]));
}

/** One base, many on top of it, one that joins them; and again. */
export function diamonds(count: number, random: Random): Shape {
  const shape: number[][] = [];
  let join: number | undefined;
  while (shape.length < count) {
    const base = shape.push(join === undefined ? [] : [join]) - 1;
    const middle: number[] = [];
    for (let left = random.int(3, 12); left > 0 && shape.length < count - 1; left--) {
      middle.push(shape.push([base]) - 1);
    }
    if (shape.length < count) join = shape.push(middle.length === 0 ? [base] : middle) - 1;
  }
  return shape;
}

/** A monorepo: a base, toolchains on it, libraries on these, and services that link to one toolchain and some libraries. */
export function layered(count: number, random: Random): Shape {
  const toolchains = Math.max(1, Math.round(count * 0.02));
  const libraries = Math.max(1, Math.round(count * 0.13));
  return Array.from({ length: count }, (_, at) => {
    if (at === 0) return [];
    if (at <= toolchains) return [0];
    const toolchain = random.int(1, Math.min(toolchains, at - 1));
    if (at <= toolchains + libraries) return [toolchain];
    const links = new Set([toolchain]);
    for (let left = random.int(0, 3); left > 0; left--) links.add(toolchains + random.int(1, libraries));
    return [...links].filter((link) => link < at);
  });
}

/** Links at random, mostly to targets shortly before. */
export function tangled(count: number, random: Random): Shape {
  return Array.from({ length: count }, (_, at) => {
    if (at === 0 || random.next() < 0.25) return [];
    const links = new Set<number>();
    for (let left = random.int(1, 3); left > 0; left--) {
      links.add(Math.max(0, at - 1 - Math.floor(random.lognormal(Math.max(2, count / 20), 0.8))));
    }
    return [...links];
  });
}

export interface Durations {
  readonly medianMs: number;
  /** How heavy the tail is. */
  readonly sigma: number;
  /** How much a run differs from the other runs of the same target. */
  readonly noise: number;
  /** The share of targets that the history does not know. */
  readonly unknown: number;
  /** The share of targets whose sources have changed, in a warm bake, and of those nobody knows it of beforehand. */
  readonly changed: number;
  readonly untold: number;
}

export const USUAL: Durations = {
  medianMs: 20_000,
  sigma: 1,
  noise: 0.15,
  unknown: 0.05,
  changed: 0.2,
  untold: 0.05,
};

/** What a changed and an unchanged target take of a cold one; each target has its own share of work that is cached. */
const CHANGED_LEAST = 0.2;
const CHANGED_MORE = 0.6;
const CACHED = 0.02;

/** Gives a shape durations, and a past to learn them from. */
export function bake(
  name: string,
  shape: Shape,
  { medianMs, sigma, noise, unknown, changed, untold }: Durations,
  random: Random,
  architectures: readonly string[] = ['amd64'],
): SimulatedBake {
  const tasks = architectures.flatMap((architecture) =>
    shape.map((needs, at): Task => {
      const usual = random.lognormal(medianMs, sigma);
      const usualChanged = usual * (CHANGED_LEAST + CHANGED_MORE * random.next());
      const took = (is: RunKind): number => {
        const ms = { cold: usual, changed: usualChanged, cached: usual * CACHED }[is];
        return Math.ceil(random.lognormal(ms, noise));
      };
      const isChanged = random.next() < changed;
      const isKnown = random.next() >= unknown;
      const warmRuns = Array.from({ length: 7 }, (): RunKind => (random.next() < changed ? 'changed' : 'cached'));
      const kinds: readonly RunKind[] = isKnown ? ['cold', 'cold', 'cold', ...warmRuns] : [];
      const coldMs = took('cold');
      return {
        name: `t${at}`,
        architecture,
        needs: needs.map((need) => `t${need}`),
        coldMs,
        warmMs: Math.min(coldMs, took(isChanged ? 'changed' : 'cached')),
        inputs: random.next() < untold ? 'unknown' : isChanged ? 'changed' : 'same',
        past: kinds.map((is) => ({ is, ms: took(is) })),
      };
    }),
  );
  return { name, tasks };
}
