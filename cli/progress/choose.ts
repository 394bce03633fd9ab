import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Progress, Write } from './progress.ts';

const QUIET: Progress = { onEvent: () => undefined, end: () => undefined };

/** The way of showing that `--progress` (or `BUILDKIT_PROGRESS`) names. Fails with what is wrong with the name. */
export async function chooseProgress(name: string, write: Write): Promise<Result<Progress, string>> {
  switch (name) {
    case 'auto':
    case 'plain':
      return ok((await import('./plain.ts')).plainProgress(write));
    case 'rawjson':
      return ok((await import('./rawjson.ts')).rawJsonProgress(write));
    case 'quiet':
    case 'none':
      return ok(QUIET);
    case 'tty':
      return fail('not supported yet: --progress tty (the terminal UI); use plain, rawjson, quiet or none');
    default:
      return fail(`invalid progress ${JSON.stringify(name)}; auto, plain, quiet, rawjson and none are known`);
  }
}
