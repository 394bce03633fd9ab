import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { BakeInput, Planned } from '../../planner/plan.ts';
import { planBake } from '../../planner/plan.ts';
import type { Result } from '../../planner/result.ts';

/** Plans a definition that is nowhere but in memory. A single text is `docker-bake.hcl`. */
export async function planOf(
  files: string | Readonly<Record<string, string>>,
  input: Partial<Omit<BakeInput, 'fs'>> = {},
): Promise<Result<Planned, readonly Diagnostic[]>> {
  const texts = new Map(Object.entries(typeof files === 'string' ? { 'docker-bake.hcl': files } : files));
  return planBake({
    files: [],
    targets: [],
    overrides: [],
    variables: new Map(),
    fs: {
      readText: (path) => texts.get(path),
      kind: (path) => (texts.has(path) ? 'file' : undefined),
    },
    now: new Date('2024-05-06T07:08:09Z'),
    homeDir: '/home/someone',
    localPlatform: 'linux/amd64',
    flags: {},
    ...input,
  });
}

/** The same, where nothing must be wrong. Throws what is. */
export async function goodPlanOf(...[files, input]: Parameters<typeof planOf>): Promise<Planned> {
  const planned = await planOf(files, input);
  if (planned.ok) return planned.value;
  throw new Error(planned.failure.map(({ message, hint }) => `${message}; ${hint}`).join('\n'));
}

/** The same, where something must be wrong. Throws when nothing is. */
export async function mistakesOf(...[files, input]: Parameters<typeof planOf>): Promise<readonly Diagnostic[]> {
  const planned = await planOf(files, input);
  if (!planned.ok) return planned.failure;
  throw new Error('nothing is wrong');
}
