import path from 'node:path';
import type { Target } from '../../planner/target.ts';
import type { PlannedExport } from '../buildkit/exporters.ts';
import type { RuntimeFailure } from '../failure.ts';
import { archiveProblem, folderProblem } from '../load/archive-sinks.ts';

/** Outputs that cannot be written where they are told to. */
export async function badExports(
  target: string,
  exports: readonly PlannedExport[],
  cwd: string,
): Promise<readonly RuntimeFailure[]> {
  const problems = exports.map(async ({ sink }): Promise<readonly RuntimeFailure[]> => {
    if (sink === undefined || !('path' in sink)) return [];
    const dest = path.resolve(cwd, sink.path);
    const cause = await (sink.kind === 'file' ? archiveProblem(dest) : folderProblem(dest));
    return cause === undefined ? [] : [{ reason: 'input-missing', target, what: 'output', path: sink.path, cause }];
  });
  return (await Promise.all(problems)).flat();
}

/** Local caches that cannot be written where they are told to, which the builder would find only when all is built. */
export async function badCaches({ name, cacheTo }: Target, cwd: string): Promise<readonly RuntimeFailure[]> {
  const problems = cacheTo.map(async ({ type, attrs }): Promise<readonly RuntimeFailure[]> => {
    const { dest = '' } = attrs;
    if (type !== 'local' || dest === '') return [];
    const cause = await folderProblem(path.resolve(cwd, dest));
    return cause === undefined
      ? []
      : [{ reason: 'input-missing', target: name, what: 'the cache folder', path: dest, cause }];
  });
  return (await Promise.all(problems)).flat();
}
