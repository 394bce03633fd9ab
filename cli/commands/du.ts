import type { Command } from '../command.ts';
import { cacheUsage } from '../print/cache-records.ts';
import { complain } from '../print/complain.ts';
import { cacheFilters } from './cache-filters.ts';
import { openCache } from './local-cache.ts';

/** `depot du`: the build cache of the engine at hand, shown as `docker buildx du` shows it. */
export const du: Command = {
  name: 'du',
  summary: 'Show what the build cache of the engine holds',
  usage: 'du [flags]',
  flags: [
    { name: 'builder', kind: 'text', value: 'NAME', help: 'The cache of another builder' },
    { name: 'filter', kind: 'list', value: 'NAME=VALUE', help: 'Only records that fit: id, type, inuse, shared, ...' },
    { name: 'format', kind: 'text', help: 'table (the default), pretty, json, or a Go template' },
    { name: 'verbose', kind: 'switch', help: 'The same as --format=pretty' },
  ],
  run: async (context) => {
    const { args, print, signal } = context;
    const given = args.lists.get('filter') ?? [];
    const isVerbose = args.switches.get('verbose') === true;
    const asked = args.texts.get('format') ?? '';
    if (args.rest.length > 0) return complain(context, 'depot du takes no arguments');
    if (isVerbose && asked !== '') return complain(context, '--format and --verbose cannot be used together');
    const filters = cacheFilters(given);
    if (!filters.ok) return complain(context, filters.failure);
    const settings = { format: asked || (isVerbose ? 'pretty' : 'table'), hasSums: given.every((one) => one === '') };
    const checked = cacheUsage([], { ...settings, nowMs: Date.now() });
    if (!checked.ok) return complain(context, `--format: ${checked.failure}`);
    const opened = await openCache(context);
    if (!opened.ok) return opened.failure;
    using cache = opened.value;
    try {
      const records = await cache.client.diskUsage({ filters: filters.value.filters, signal });
      const usage = cacheUsage(records, { ...settings, nowMs: Date.now() });
      if (!usage.ok) return complain(context, usage.failure);
      print(usage.value);
      return 0;
    } catch (error) {
      return cache.tell(error);
    }
  },
};
