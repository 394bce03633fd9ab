import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type {
  StatusResponse,
  Vertex as WireVertex,
  VertexStatus as WireVertexStatus,
  VertexWarning as WireVertexWarning,
} from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { Range } from '../../proto/gen/pb/ops_pb.ts';
import type { DockerfileRange, StatusUpdate, UnixNanos, Vertex, VertexStatus, VertexWarning } from '../event.ts';

const text = new TextDecoder();

/** One message of `Control.Status` in the words of the build events (moby/buildkit `client/status.go`). */
export function statusUpdate(response: StatusResponse): StatusUpdate {
  return {
    vertexes: response.vertexes.map(vertex),
    statuses: response.statuses.map(vertexStatus),
    logs: response.logs.map((log) => ({
      vertex: log.vertex,
      timestamp: nanos(log.timestamp) ?? 0n,
      stream: Number(log.stream),
      data: log.msg,
    })),
    warnings: response.warnings.map(warning),
  };
}

/** A range of a Dockerfile as errors and warnings carry it; missing ends count as the start of the file. */
export function dockerfileRange(range: Range): DockerfileRange {
  return {
    start: { line: range.start?.line ?? 0, character: range.start?.character ?? 0 },
    end: { line: range.end?.line ?? 0, character: range.end?.character ?? 0 },
  };
}

function vertex(wire: WireVertex): Vertex {
  const started = nanos(wire.started);
  const completed = nanos(wire.completed);
  return {
    digest: wire.digest,
    inputs: wire.inputs,
    name: wire.name,
    cached: wire.cached,
    ...(started === undefined ? {} : { started }),
    ...(completed === undefined ? {} : { completed }),
    error: wire.error,
    ...(wire.progressGroup === undefined
      ? {}
      : {
          progressGroup: {
            id: wire.progressGroup.id,
            name: wire.progressGroup.name,
            weak: wire.progressGroup.weak,
          },
        }),
  };
}

function vertexStatus(wire: WireVertexStatus): VertexStatus {
  const started = nanos(wire.started);
  const completed = nanos(wire.completed);
  return {
    id: wire.ID,
    vertex: wire.vertex,
    name: wire.name,
    current: Number(wire.current),
    total: Number(wire.total),
    timestamp: nanos(wire.timestamp) ?? 0n,
    ...(started === undefined ? {} : { started }),
    ...(completed === undefined ? {} : { completed }),
  };
}

function warning(wire: WireVertexWarning): VertexWarning {
  return {
    vertex: wire.vertex,
    level: Number(wire.level),
    short: text.decode(wire.short),
    detail: wire.detail.map((line) => text.decode(line)),
    url: wire.url,
    ...(wire.info === undefined
      ? {}
      : {
          source: {
            filename: wire.info.filename,
            data: wire.info.data,
            ...(wire.info.language === '' ? {} : { language: wire.info.language }),
            ranges: wire.ranges.map(dockerfileRange),
          },
        }),
  };
}

function nanos(time: Timestamp | undefined): UnixNanos | undefined {
  return time === undefined ? undefined : time.seconds * 1_000_000_000n + BigInt(time.nanos);
}
