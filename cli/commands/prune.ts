import { sizeBytes } from '../../planner/options/checks.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { PruneRequest } from '../../runtime/buildkit/cache-record.ts';
import { FEATURES, lacking, releaseText } from '../../runtime/buildkit/features.ts';
import type { Command, CommandContext } from '../command.ts';
import type { Flag } from '../flags.ts';
import { prunedDetails, prunedLine, prunedTotal } from '../print/cache-records.ts';
import { complain, INTERRUPTED } from '../print/complain.ts';
import { ask } from '../stdin.ts';
import { cacheFilters } from './cache-filters.ts';
import { openCache } from './local-cache.ts';

const LIMITS = {
  'reserved-space': 'reservedSpace',
  'keep-storage': 'reservedSpace',
  'max-used-space': 'maxUsedSpace',
  'min-free-space': 'minFreeSpace',
} as const;

/** `depot prune`: takes records out of the build cache of the engine at hand, as `docker buildx prune` does. */
export const prune: Command = {
  name: 'prune',
  summary: 'Remove from the build cache of the engine',
  usage: 'prune [flags]',
  flags: [
    { name: 'builder', kind: 'text', value: 'NAME', help: 'The cache of another builder' },
    { name: 'all', short: 'a', kind: 'switch', help: 'Remove internal records and frontends as well' },
    { name: 'filter', kind: 'list', value: 'NAME=VALUE', help: 'Only records that fit: id, type, until=24h, ...' },
    { name: 'force', short: 'f', kind: 'switch', help: 'Do not ask' },
    size('max-used-space', 'How much cache may stay at most'),
    size('min-free-space', 'How much of the disk is to be free afterwards'),
    size('reserved-space', 'How much cache stays in any case'),
    { ...size('keep-storage', 'The old name of --reserved-space'), hidden: true },
    { name: 'verbose', kind: 'switch', help: 'Tell all that is known of what is removed' },
  ],
  run: async (context) => {
    const { args, signal, stderr } = context;
    if (args.rest.length > 0) return complain(context, 'depot prune takes no arguments');
    const request = requestOf(context);
    if (!request.ok) return complain(context, request.failure);
    if (args.texts.has('keep-storage'))
      stderr.write('WARNING: --keep-storage is the old name of --reserved-space, which is used\n');
    if (args.switches.get('force') !== true && !(await isConfirmed(context))) return signal.aborted ? INTERRUPTED : 0;
    const opened = await openCache(context);
    if (!opened.ok) return opened.failure;
    using cache = opened.value;
    try {
      const { maxUsedSpace = 0, minFreeSpace = 0 } = request.value;
      if (maxUsedSpace > 0 || minFreeSpace > 0) {
        const limits = FEATURES.freeSpaceLimits;
        const version = (await cache.client.info({ signal }))?.version ?? '';
        if ((await lacking(cache.client, [limits], { version, signal })).length > 0)
          return complain(context, `--max-used-space and --min-free-space need ${releaseText(limits.since)}`);
      }
      let totalBytes = 0;
      let isFirst = true;
      for await (const record of cache.client.prune(request.value, { signal })) {
        const nowMs = Date.now();
        const isVerbose = args.switches.get('verbose') === true;
        context.print(isVerbose ? prunedDetails(record, nowMs) : prunedLine(record, { isFirst, nowMs }));
        totalBytes += record.sizeBytes;
        isFirst = false;
      }
      context.print(prunedTotal(totalBytes));
      return 0;
    } catch (error) {
      return cache.tell(error);
    }
  },
};

function size(name: string, help: string): Flag {
  return { name, kind: 'text', value: 'BYTES', help };
}

function requestOf({ args }: CommandContext): Result<PruneRequest, string> {
  const filters = cacheFilters(args.lists.get('filter') ?? []);
  if (!filters.ok) return filters;
  const limits: { -readonly [K in (typeof LIMITS)[keyof typeof LIMITS]]?: number } = {};
  for (const [flag, limit] of Object.entries(LIMITS)) {
    const text = args.texts.get(flag);
    if (text === undefined) continue;
    const bytes = sizeBytes(text);
    if (bytes === undefined) return fail(`--${flag}: ${JSON.stringify(text)} is no size; 10GB and 512m are`);
    limits[limit] = bytes;
  }
  return ok({ ...filters.value, ...limits, all: args.switches.get('all') === true });
}

/** Asks on standard output, as docker does; whatever is not `y` means no, and so does the end of the input. */
async function isConfirmed({ args, print, signal, stdin }: CommandContext): Promise<boolean> {
  const what = args.switches.get('all') === true ? 'all build cache' : 'all dangling build cache';
  const question = `WARNING! This will remove ${what}. Are you sure you want to continue? [y/N] `;
  return (await ask(question, { stdin, signal, write: print }))?.toLowerCase() === 'y';
}
