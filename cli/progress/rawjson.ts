import type { StatusUpdate, UnixNanos, VertexWarning } from '../../runtime/event.ts';
import { stepName } from './names.ts';
import type { Progress, Write } from './progress.ts';

/** One line of JSON for each message of the daemon, with the keys and forms that docker's `rawjson` has. */
export function rawJsonProgress(write: Write): Progress {
  let several = false;
  return {
    onEvent: (event) => {
      if (event.type === 'build-started') several = event.targets.length > 1;
      if (event.type === 'status') write(`${JSON.stringify(line(event.update, event.target, several))}\n`);
    },
    end: () => undefined,
  };
}

function line(update: StatusUpdate, target: string, several: boolean): object {
  return {
    ...list(
      'vertexes',
      update.vertexes.map((vertex) => ({
        digest: vertex.digest,
        ...list('inputs', vertex.inputs),
        name: stepName(vertex.name, target, several),
        ...time('started', vertex.started),
        ...time('completed', vertex.completed),
        ...(vertex.cached ? { cached: true } : {}),
        ...(vertex.error === '' ? {} : { error: vertex.error }),
        ...(vertex.progressGroup === undefined ? {} : { progressGroup: vertex.progressGroup }),
      })),
    ),
    ...list(
      'statuses',
      update.statuses.map((status) => ({
        id: status.id,
        vertex: status.vertex,
        ...(status.name === '' ? {} : { name: status.name }),
        ...(status.total === 0 ? {} : { total: status.total }),
        current: status.current,
        ...time('timestamp', status.timestamp),
        ...time('started', status.started),
        ...time('completed', status.completed),
      })),
    ),
    ...list(
      'logs',
      update.logs.map((log) => ({
        vertex: log.vertex,
        stream: log.stream,
        data: Buffer.from(log.data).toString('base64'),
        ...time('timestamp', log.timestamp),
      })),
    ),
    ...list('warnings', update.warnings.map(warningJson)),
  };
}

/** A warning as buildx writes it (moby/buildkit `client/graph.go`, `VertexWarning`), texts in base64. */
export function warningJson(warning: VertexWarning): object {
  return {
    vertex: warning.vertex,
    level: warning.level,
    short: Buffer.from(warning.short).toString('base64'),
    ...list(
      'detail',
      warning.detail.map((detail) => Buffer.from(detail).toString('base64')),
    ),
    ...(warning.url === '' ? {} : { url: warning.url }),
    ...(warning.source === undefined
      ? {}
      : {
          sourceInfo: {
            filename: warning.source.filename,
            data: Buffer.from(warning.source.data).toString('base64'),
            ...(warning.source.language === undefined ? {} : { language: warning.source.language }),
          },
          range: warning.source.ranges.map(({ start, end }) => ({ start: place(start), end: place(end) })),
        }),
  };
}

function list(key: string, items: readonly unknown[]): object {
  return items.length === 0 ? {} : { [key]: items };
}

/** A place as Go writes it: without what is zero. */
function place({ line, character }: { readonly line: number; readonly character: number }): object {
  return { ...(line === 0 ? {} : { line }), ...(character === 0 ? {} : { character }) };
}

function time(key: string, nanos: UnixNanos | undefined): object {
  return nanos === undefined ? {} : { [key]: rfc3339(nanos) };
}

/** RFC 3339 with as many decimals as there are, as Go writes it. */
function rfc3339(nanos: UnixNanos): string {
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
}
