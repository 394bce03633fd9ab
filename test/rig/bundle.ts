import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from './folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** The program bundled as packages have it, on the Node it is made for; goes away with its scope. */
export interface BundledDepot extends AsyncDisposable {
  readonly program: readonly [string, ...string[]];
  /** The folder of the bundle: `planner.js` and `buildkit.js` are the libraries. */
  readonly dist: string;
}

/** Bundles the sources into a folder of their own. */
export async function bundledDepot(): Promise<BundledDepot> {
  const folder = await tempFolder('bundle');
  const installed = join(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
  const node = existsSync(installed) ? installed : process.execPath;
  await promisify(execFile)(node, [join(ROOT, 'cli/bundle.mjs'), join(folder.path, 'dist')]);
  const start = join(folder.path, 'start.mjs');
  await writeFile(start, "import { main } from './dist/main.js';\nawait main(process.argv.slice(2));\n");
  return {
    program: [node, start],
    dist: join(folder.path, 'dist'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
