import { diagnosticText } from '../../cli/print/diagnostic.ts';
import { printPlan } from '../../planner/bake/print.ts';
import { planBake } from '../../planner/plan.ts';
import type { Seed } from './corpus.ts';

/** Of the processor, so that it does not matter what else the machine does. */
const MAX_MS = 1000;

/** What the planner does wrong with a definition, whatever is in it; undefined when nothing. */
export async function wrongWith({ name, text }: Seed): Promise<string | undefined> {
  const before = process.threadCpuUsage();
  try {
    const planned = await planBake({
      files: [name],
      targets: ['*'],
      overrides: [],
      variables: new Map([
        ['V', '1,2'],
        ['TAG', 'x'],
      ]),
      fs: {
        readText: (path) => (path === name ? text : undefined),
        kind: (path) => (path === name ? 'file' : undefined),
      },
      now: new Date(0),
      homeDir: '/home/fuzz',
      localPlatform: 'linux/amd64',
      flags: {},
    });
    if (planned.ok) JSON.parse(printPlan(planned.value.plan));
    else {
      if (planned.failure.length === 0) return 'fails with no diagnostic';
      const silent = planned.failure.find((one) => diagnosticText(one).trim() === '' || one.message.trim() === '');
      if (silent !== undefined) return `an empty diagnostic: ${silent.reason}`;
    }
  } catch (error) {
    return `throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const { user, system } = process.threadCpuUsage(before);
  const tookMs = (user + system) / 1000;
  return tookMs > MAX_MS ? `takes ${tookMs.toFixed(0)} ms` : undefined;
}
