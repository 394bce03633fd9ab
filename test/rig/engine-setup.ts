import { takeRunDown } from './engine.ts';
import { runFolder, staleRunFolders } from './folder.ts';

/** Before a test run: names the run, and clears away what runs left that were killed. Starts nothing. */
export async function setup(): Promise<void> {
  process.env['DEPOT_TEST_RUN'] = String(process.pid);
  for (const folder of await staleRunFolders()) await takeRunDown(folder);
}

/** After it: stops the engines it started. */
export async function teardown(): Promise<void> {
  await takeRunDown(await runFolder());
}
