import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A definition file of the conformance cases. */
export interface Seed {
  readonly name: string;
  readonly text: string;
}

const CASES = join(import.meta.dirname, '../conformance/bake');

/** Every definition file of the conformance cases, by the order of their paths. */
export function corpus(): readonly Seed[] {
  return filesBelow(CASES)
    .filter((path) => /\.(?:hcl|json)$/i.test(path) && !/\/expected/.test(path))
    .sort()
    .map((path) => ({ name: /\.json$/i.test(path) ? 'fuzz.json' : 'fuzz.hcl', text: readFileSync(path, 'utf8') }))
    .filter(({ text }) => text.length > 0);
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
