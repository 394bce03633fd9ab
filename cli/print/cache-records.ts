import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { CacheRecord } from '../../runtime/buildkit/cache-record.ts';
import { goTemplate } from './go-template.ts';
import type { TemplateRecord } from './go-template.ts';
import { humanDuration, humanSize } from './human.ts';
import { tabTable } from './tab-table.ts';
import { printable } from './text.ts';

const TITLES: Readonly<Record<string, string>> = {
  CreatedAt: 'CREATED AT',
  Description: 'DESCRIPTION',
  ID: 'ID',
  LastUsedAt: 'LAST ACCESSED',
  Mutable: 'MUTABLE',
  Parents: 'PARENTS',
  Reclaimable: 'RECLAIMABLE',
  Shared: 'SHARED',
  Size: 'SIZE',
  Type: 'TYPE',
  UsageCount: 'USAGE COUNT',
};

const DEFAULT_TABLE = '{{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedAt}}';

/** docker's tables: columns of ten at least, three spaces apart. */
const GAP = { spaces: 3, least: 10 } as const;

/**
 * What the build cache holds, in a format (`table`, `pretty`, `json`, a Go template, `table` and a template), with sums below
 * the two formats of its own (docker/buildx `commands/diskusage.go`). `nowMs`: Unix time.
 */
export function cacheUsage(
  records: readonly CacheRecord[],
  { format, hasSums, nowMs }: { readonly format: string; readonly hasSums: boolean; readonly nowMs: number },
): Result<string, string> {
  const sums = hasSums ? cacheSums(records) : '';
  if (format === 'pretty') return ok(records.map((one) => `${pretty(one, nowMs)}\n`).join('') + sums);
  const isTable = format.startsWith('table');
  const ofTable = format === 'table' ? DEFAULT_TABLE : format.slice('table'.length);
  const template = goTemplate(isTable ? ofTable : format === 'json' ? '{{json .}}' : format, Object.keys(TITLES));
  if (!template.ok) return fail(template.failure);
  const lines = records.map((one) => template.value.fill(fields(one, nowMs, isTable)));
  if (!isTable) return ok(lines.map((line) => `${printable(line)}\n`).join(''));
  const table = tabTable(
    [template.value.heading(TITLES), ...lines].map((line) => line.split('\t')),
    GAP,
  );
  return ok(table + (format === 'table' ? sums : ''));
}

/** One removed record, as a line of the table that `prune` prints; the first with the heading. */
export function prunedLine(
  record: CacheRecord,
  { isFirst, nowMs }: { readonly isFirst: boolean; readonly nowMs: number },
): string {
  const { ID, Reclaimable, Size, LastUsedAt } = fields(record, nowMs, true);
  const row = [String(ID).padEnd(40), String(Reclaimable).padEnd(5), String(Size).padEnd(10), String(LastUsedAt)];
  return tabTable(isFirst ? [['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'], row] : [row]);
}

/** One removed record, with all that is known of it. */
export function prunedDetails(record: CacheRecord, nowMs: number): string {
  const told = details(record, nowMs, { between: ',' }).map(([name, value]) => [`${name}:`, value] as const);
  return `${tabTable(told)}\n`;
}

/** What was removed in all. */
export function prunedTotal(bytes: number): string {
  return tabTable([['Total:', humanSize(bytes)]]);
}

function fields(record: CacheRecord, nowMs: number, isTable: boolean): TemplateRecord {
  return {
    CreatedAt: goTime(record.createdAt),
    Description: record.description,
    ID: `${record.id}${isTable && record.isMutable ? '*' : ''}`,
    LastUsedAt: lastUsed(record, nowMs),
    Mutable: record.isMutable,
    Parents: record.parents,
    Reclaimable: !record.isInUse,
    Shared: record.isShared,
    Size: `${humanSize(record.sizeBytes)}${isTable && record.isShared ? '*' : ''}`,
    Type: record.type,
    UsageCount: record.usageCount,
  };
}

function pretty(record: CacheRecord, nowMs: number): string {
  const lines = details(record, nowMs, { between: '\n - ' }).map(([name, value]) =>
    name === 'Parent' ? `Parents:\n - ${value}` : `${`${name}:`.padEnd(14)}${value}`,
  );
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function details(
  record: CacheRecord,
  nowMs: number,
  { between }: { readonly between: string },
): readonly (readonly [name: string, value: string])[] {
  const optional = (name: string, value: string): readonly (readonly [string, string])[] =>
    value === '' ? [] : [[name, value]];
  return [
    ['ID', record.id],
    ...optional('Parent', record.parents.join(between)),
    ['Created at', goTime(record.createdAt)],
    ['Mutable', String(record.isMutable)],
    ['Reclaimable', String(!record.isInUse)],
    ['Shared', String(record.isShared)],
    ['Size', humanSize(record.sizeBytes)],
    ...optional('Description', record.description),
    ['Usage count', String(record.usageCount)],
    ...optional('Last used', lastUsed(record, nowMs)),
    ...optional('Type', record.type),
  ];
}

function cacheSums(records: readonly CacheRecord[]): string {
  const sum = (some: readonly CacheRecord[]): number => some.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  const counted = records.filter(({ sizeBytes }) => sizeBytes > 0);
  const total = sum(counted);
  const shared = sum(records.filter(({ isShared }) => isShared));
  return tabTable([
    ...(shared > 0
      ? [
          ['Shared:', humanSize(shared)],
          ['Private:', humanSize(total - shared)],
        ]
      : []),
    ['Reclaimable:', humanSize(sum(counted.filter(({ isInUse }) => !isInUse)))],
    ['Total:', humanSize(total)],
  ]);
}

function lastUsed({ lastUsedAt }: CacheRecord, nowMs: number): string {
  return lastUsedAt === undefined ? '' : `${humanDuration(nowMs / 1000 - Number(lastUsedAt) / 1e9)} ago`;
}

/** `2026-11-25 04:45:55.899056478 +0000 UTC`: a time as Go prints it. */
function goTime(nanos: bigint): string {
  const whole = new Date(Number(nanos / 1_000_000n)).toISOString().replace('T', ' ').slice(0, 19);
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${whole}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`;
}
