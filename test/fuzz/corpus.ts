import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What is fuzzed: a bake definition, a Compose file, or an env file beside one. */
export type Kind = 'bake' | 'compose' | 'env';

/** A file of the conformance cases. */
export interface Seed {
  readonly kind: Kind;
  readonly name: string;
  readonly text: string;
}

const CASES = join(import.meta.dirname, '../conformance');

/** Every file of the conformance cases that is read as a definition or as variables, by the order of their paths. */
export function corpus(): readonly Seed[] {
  return ['bake', 'compose']
    .flatMap((folder) => filesBelow(join(CASES, folder)))
    .filter((path) => !/\/expected/.test(path))
    .sort()
    .flatMap((path) => seed(path, readFileSync(path, 'utf8')))
    .filter(({ text }) => text.length > 0);
}

function seed(path: string, text: string): readonly Seed[] {
  if (/\.ya?ml$/i.test(path)) return [{ kind: 'compose', name: 'compose.yaml', text }];
  if (basename(path).endsWith('env')) return [{ kind: 'env', name: '.env', text }];
  if (!path.startsWith(join(CASES, 'bake'))) return [];
  if (/\.json$/i.test(path)) return [{ kind: 'bake', name: 'fuzz.json', text }];
  return /\.hcl$/i.test(path) ? [{ kind: 'bake', name: 'fuzz.hcl', text }] : [];
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
