import { create, fromBinary } from '@bufbuild/protobuf';
import { GrpcError, status } from '../rpc/status.ts';
import type { Status } from '../../proto/gen/google/rpc/status_pb.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import type { DockerfileRange, DockerfileSource } from '../event.ts';

/** A daemon's error with what its details say (moby/buildkit `util/grpcerrors`, `solver/errdefs`). */
export interface WireError {
  /** The gRPC status code. */
  readonly code: number;
  readonly message: string;
  /** The Dockerfiles and lines at fault, as the daemon names them. */
  readonly sources: readonly DockerfileSource[];
  /** The digest of the step that failed. */
  readonly vertex?: string;
  /** The error whole, for handing it back to the daemon. */
  readonly status: Status;
}

/** A build that failed on the daemon, or whose daemon was lost, with all that was said of it. */
export class BuildError extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.name = 'BuildError';
    this.wire = wire;
  }
}

/** Reads what a call or a build was rejected with; undefined when it is no error of the daemon or of the connection to it. */
export function wireError(error: unknown): WireError | undefined {
  if (error instanceof BuildError) return error.wire;
  if (!(error instanceof GrpcError)) return undefined;
  const parsed = error.statusDetails === undefined ? undefined : parseStatus(error.statusDetails);
  return fromStatus(parsed ?? create(StatusSchema, { code: error.code, message: error.message }));
}

/** The same from a status read elsewhere (build history). */
export function fromStatus(wire: Status): WireError {
  const vertex = details<{ digest?: string }>(wire, 'errdefs.Vertex+json')
    .map((detail) => detail.digest)
    .find((digest) => digest !== undefined);
  return {
    code: wire.code,
    message: wire.message,
    sources: details<SourceDetail>(wire, 'errdefs.Source+json').map(source),
    ...(vertex === undefined ? {} : { vertex }),
    status: wire,
  };
}

/** A marshalled `google.rpc.Status`; undefined when the bytes are something else. */
export function parseStatus(bytes: Uint8Array): Status | undefined {
  try {
    return fromBinary(StatusSchema, bytes);
  } catch {
    return undefined;
  }
}

/** The name of a gRPC code as BuildKit's tools print it (`NotFound`). */
export function codeName(code: number): string {
  const name = Object.entries(status).find(([, value]) => value === code)?.[0] ?? 'UNKNOWN';
  return name
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** Whether an error says that the connection is gone, as against an answer of the daemon. */
export function isConnectionLoss(error: WireError): boolean {
  return error.code === status.UNAVAILABLE;
}

/** The JSON details whose type ends like this; the prefix varies with vendoring. */
function details<T>(wire: Status, suffix: string): T[] {
  return wire.details.flatMap((detail) => {
    if (!detail.typeUrl.endsWith(suffix)) return [];
    try {
      return [JSON.parse(Buffer.from(detail.value).toString('utf8')) as T];
    } catch {
      return [];
    }
  });
}

interface SourceDetail {
  readonly info?: { readonly filename?: string; readonly data?: string };
  readonly ranges?: readonly {
    readonly start?: { readonly line?: number; readonly character?: number };
    readonly end?: { readonly line?: number; readonly character?: number };
  }[];
}

function source(detail: SourceDetail): DockerfileSource {
  return {
    filename: detail.info?.filename ?? '',
    data: Buffer.from(detail.info?.data ?? '', 'base64'),
    ranges: (detail.ranges ?? []).map((range): DockerfileRange => ({
      start: { line: range.start?.line ?? 0, character: range.start?.character ?? 0 },
      end: { line: range.end?.line ?? 0, character: range.end?.character ?? 0 },
    })),
  };
}
