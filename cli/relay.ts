import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { engineRoot, engineUp } from '../runtime/hosts/engine/engine.ts';
import { dataDir } from './config.ts';
import { failureText } from './print/failure.ts';
import { runDepot, stop } from './run-depot.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const SOURCES = path.join(ROOT, 'runtime', 'load', 'relay');
const SET_UP_MS = 15 * 60_000;

/**
 * Builds the image of the helper for Docker Engines on other machines, as `npm run relay [-- --out FOLDER]`: the target `relay`
 * of docker-bake.hcl for both architectures, on the engine at hand, which is set up where there is none. Into
 * the folder (`relay-image`) go an archive for each and `image.json` with the image's name, which tells one making from another.
 */
async function buildRelay(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(ROOT, 'relay-image') } } });
  const folder = path.resolve(values.out);
  const signal = AbortSignal.timeout(SET_UP_MS);
  const options = { dataDir: dataDir(process.env), env: process.env, report: () => undefined, signal };
  const root = await engineRoot(options);
  if (!root.ok) return stop(failureText(root.failure));
  const engine = await engineUp(options);
  if (!engine.ok) return stop(failureText(engine.failure));
  const busybox = path.join(root.value, 'srv', 'busybox');
  const image = `depot-relay:${await fingerprint(busybox)}`;
  await mkdir(path.dirname(folder), { recursive: true });
  const made = await mkdtemp(`${folder}.`);
  try {
    const env = { ...process.env, BUSYBOX: busybox, RELAY: image, OUTPUT: made };
    const allowed = [`--allow=fs.read=${busybox}`, `--allow=fs.write=${made}`];
    const code = await runDepot(['bake', 'relay', ...allowed], { cwd: ROOT, env });
    if (code !== 0) return stop(`the bake ended with exit code ${code}`);
    await writeFile(path.join(made, 'image.json'), `${JSON.stringify({ name: image })}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  process.stdout.write(`${image} is in ${folder}\n`);
}

/** Of all that goes into the image. */
async function fingerprint(busybox: string): Promise<string> {
  const hash = createHash('sha256');
  const files = ['Dockerfile', 'relay'].map((name) => path.join(SOURCES, name));
  for (const file of [...files, ...['amd64', 'arm64'].map((arch) => path.join(busybox, arch, 'busybox'))]) {
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}

await buildRelay();
