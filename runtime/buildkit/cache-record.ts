import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { UsageRecord } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { UnixNanos } from '../event.ts';

/** One record of a daemon's build cache (moby/buildkit `client/diskusage.go`). */
export interface CacheRecord {
  readonly id: string;
  readonly parents: readonly string[];
  readonly isMutable: boolean;
  readonly isInUse: boolean;
  /** Whether its bytes belong to an image or another record as well. */
  readonly isShared: boolean;
  readonly sizeBytes: number;
  readonly createdAt: UnixNanos;
  /** Absent for one that was never used. */
  readonly lastUsedAt?: UnixNanos;
  readonly usageCount: number;
  readonly description: string;
  /** `regular`, `source.local`, `source.git.checkout`, `exec.cachemount`, `frontend`, `internal`. */
  readonly type: string;
}

/** What may be removed of a build cache. Absent limits do not count. */
export interface PruneRequest {
  /** A record has to fit one of them, and all comma-separated terms of it: `type==regular,inuse!=true`. */
  readonly filters: readonly string[];
  /** Internal records and frontends as well. */
  readonly all?: boolean;
  /** Records used within so many nanoseconds stay. */
  readonly keepDuration?: bigint;
  /** Bytes that stay in any case. */
  readonly reservedSpace?: number;
  /** Bytes that may stay at most. A daemon before 0.17 knows neither this nor {@link minFreeSpace}. */
  readonly maxUsedSpace?: number;
  /** Bytes of the disk that are to be free. */
  readonly minFreeSpace?: number;
}

/** A record of the wire in our words; a daemon before 0.10 names one parent only. */
export function cacheRecord(wire: UsageRecord): CacheRecord {
  return {
    id: wire.ID,
    parents: wire.Parents.length === 0 && wire.Parent !== '' ? [wire.Parent] : wire.Parents,
    isMutable: wire.Mutable,
    isInUse: wire.InUse,
    isShared: wire.Shared,
    sizeBytes: Number(wire.Size),
    createdAt: wire.CreatedAt === undefined ? 0n : nanos(wire.CreatedAt),
    ...(wire.LastUsedAt === undefined ? {} : { lastUsedAt: nanos(wire.LastUsedAt) }),
    usageCount: Number(wire.UsageCount),
    description: wire.Description,
    type: wire.RecordType,
  };
}

function nanos({ seconds, nanos: rest }: Timestamp): UnixNanos {
  return seconds * 1_000_000_000n + BigInt(rest);
}
