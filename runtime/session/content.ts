import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { GrpcError, status as code } from '../rpc/status.ts';
import type { Info, Status, WriteContentRequest } from '../../proto/gen/containerd/services/content/v1/content_pb.ts';
import {
  Content,
  InfoSchema,
  ListContentRequestSchema,
  ListContentResponseSchema,
  ReadContentRequestSchema,
  ReadContentResponseSchema,
  StatusSchema,
  WriteAction,
  WriteContentRequestSchema,
  WriteContentResponseSchema,
} from '../../proto/gen/containerd/services/content/v1/content_pb.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDigest } from '../oci/digest.ts';
import type { BlobInfo, ContentStore, Ingest, IngestStatus, StoreProblem } from '../oci/store.ts';
import { StoreError } from '../oci/store.ts';
import type { Handler, ServerCall, SessionService } from './server.ts';
import { unaryHandler } from './server.ts';

const SERVICE = `/${Content.typeName}`;

/** Says which of the stores a call is for (moby/buildkit `session/content/attachable.go`). */
const STORE_ID = 'buildkit-attachable-store-id';

/** As many blobs are named in one message as by containerd. */
const INFOS_AT_ONCE = 100;

const CODES: Readonly<Record<StoreProblem, number>> = {
  'not-found': code.NOT_FOUND,
  exists: code.ALREADY_EXISTS,
  mismatch: code.FAILED_PRECONDITION,
  busy: code.UNAVAILABLE,
  'out-of-range': code.OUT_OF_RANGE,
  'read-only': code.FAILED_PRECONDITION,
};

/**
 * Offers folders of blobs to the daemon by the names that it knows them by: `local:PATH` for caches, `oci:ID` for layouts that
 * are contexts, `export` for a layout that is an output (containerd `plugins/services/content/contentserver`).
 */
export function contentService(stores: ReadonlyMap<string, ContentStore>): SessionService {
  const { info, update, delete: remove, status, listStatuses, abort } = Content.method;
  const services = [
    unaryHandler(info, async ({ digest }, call) => {
      const found = await storeOf(call, stores).info(digestOf(digest));
      if (found === undefined) throw new StoreError('not-found', `content ${digest}: not found`);
      return { info: wireInfo(found) };
    }),
    unaryHandler(update, async () => {
      throw new GrpcError(code.FAILED_PRECONDITION, 'update not supported on immutable content store');
    }),
    unaryHandler(remove, async ({ digest }, call) => {
      await storeOf(call, stores).delete(digestOf(digest));
      return {};
    }),
    unaryHandler(status, async ({ ref }, call) => {
      const found = storeOf(call, stores)
        .statuses()
        .find((one) => one.ref === ref);
      if (found === undefined) throw new StoreError('not-found', `could not get status for ref "${ref}": not found`);
      return { status: wireStatus(found) };
    }),
    unaryHandler(listStatuses, async ({ filters }, call) => {
      refuseFilters(filters);
      return { statuses: storeOf(call, stores).statuses().map(wireStatus) };
    }),
    unaryHandler(abort, async ({ ref }, call) => {
      await storeOf(call, stores).abort(ref);
      return {};
    }),
    {
      [`${SERVICE}/List`]: (call: ServerCall) => list(storeOf(call, stores), call),
      [`${SERVICE}/Read`]: (call: ServerCall) => read(storeOf(call, stores), call),
      [`${SERVICE}/Write`]: (call: ServerCall) => write(storeOf(call, stores), call),
    },
  ];
  return Object.fromEntries(
    services
      .flatMap((service) => Object.entries<Handler>(service))
      .map(([method, handle]) => [method, coded(handle, stores)]),
  );
}

/** Gives every error its code, and those of the file system the folder they are about. */
function coded(handle: Handler, stores: ReadonlyMap<string, ContentStore>): Handler {
  return async (call) => {
    try {
      await handle(call);
    } catch (error) {
      if (error instanceof StoreError) throw new GrpcError(CODES[error.problem], error.message);
      if (!(error instanceof Error) || !('syscall' in error)) throw error;
      throw new Error(`${storeOf(call, stores).folder} cannot be used: ${error.message}`, { cause: error });
    }
  };
}

function storeOf(call: ServerCall, stores: ReadonlyMap<string, ContentStore>): ContentStore {
  const id = call.metadata(STORE_ID)[0];
  if (id === undefined) throw new GrpcError(code.INVALID_ARGUMENT, `request lacks metadata "${STORE_ID}"`);
  const store = stores.get(id);
  if (store === undefined) throw new GrpcError(code.NOT_FOUND, `unknown store ${id}`);
  return store;
}

function digestOf(text: string): Digest {
  const digest = parseDigest(text);
  if (digest === undefined) throw new GrpcError(code.INVALID_ARGUMENT, `"${text}" is no digest`);
  return digest;
}

/** The language of containerd's filters is not spoken here; BuildKit has no use for it. */
function refuseFilters(filters: readonly string[]): void {
  if (filters.length > 0) throw new GrpcError(code.UNIMPLEMENTED, 'filters are not understood');
}

async function list(store: ContentStore, call: ServerCall): Promise<void> {
  for await (const message of call.messages) {
    refuseFilters(fromBinary(ListContentRequestSchema, message).filters);
    break;
  }
  let infos: Info[] = [];
  const send = (): Promise<void> =>
    call.send(toBinary(ListContentResponseSchema, create(ListContentResponseSchema, { info: infos })));
  for await (const blob of store.list()) {
    infos.push(wireInfo(blob));
    if (infos.length < INFOS_AT_ONCE) continue;
    await send();
    infos = [];
  }
  if (infos.length > 0) await send();
}

async function read(store: ContentStore, call: ServerCall): Promise<void> {
  for await (const message of call.messages) {
    const { digest, offset, size } = fromBinary(ReadContentRequestSchema, message);
    let sent = 0n;
    for await (const data of store.read(digestOf(digest), { offset: Number(offset), size: Number(size) })) {
      await call.send(toBinary(ReadContentResponseSchema, create(ReadContentResponseSchema, { offset: sent, data })));
      sent += BigInt(data.length);
    }
    return;
  }
}

async function write(store: ContentStore, call: ServerCall): Promise<void> {
  let ingest: Ingest | undefined;
  try {
    for await (const message of call.messages) {
      const request = fromBinary(WriteContentRequestSchema, message);
      ingest ??= await begin(store, request);
      if (request.expected !== '') await store.refuseExisting(digestOf(request.expected));
      await change(ingest, request);
      await answer(ingest, request, call);
      if (request.action === WriteAction.COMMIT) return;
    }
  } finally {
    await ingest?.abort();
  }
}

function begin(store: ContentStore, { ref, total, expected }: WriteContentRequest): Promise<Ingest> {
  if (ref === '') throw new GrpcError(code.INVALID_ARGUMENT, 'first message must have a reference');
  return store.write(ref, {
    total: Number(total),
    expected: expected === '' ? undefined : digestOf(expected),
  });
}

/** Writes at the end, or, when told to write at the start, from there anew. */
async function change(ingest: Ingest, request: WriteContentRequest): Promise<void> {
  if (request.action === WriteAction.STAT) return;
  const { offset } = ingest.status();
  const asked = Number(request.offset);
  if (asked > 0 && asked !== offset) {
    throw new GrpcError(code.OUT_OF_RANGE, `write @${asked} must occur at current offset ${offset}`);
  }
  if (asked === 0 && offset > 0) await ingest.clear();
  if (request.data.length > 0) await ingest.append(request.data);
  if (request.action !== WriteAction.COMMIT) return;
  const { total, expected } = ingest.status();
  await ingest.commit({
    total: request.total > 0n ? Number(request.total) : total,
    expected: request.expected === '' ? expected : digestOf(request.expected),
  });
}

async function answer(ingest: Ingest, request: WriteContentRequest, call: ServerCall): Promise<void> {
  const { offset, total, startedAt, updatedAt } = ingest.status();
  const isStat = request.action === WriteAction.STAT;
  const times = { startedAt: timestampFromDate(startedAt), updatedAt: timestampFromDate(updatedAt) };
  const response = create(WriteContentResponseSchema, {
    action: request.action,
    offset: BigInt(offset),
    digest: ingest.digest(),
    ...(isStat ? { ...times, total: request.total > 0n ? request.total : BigInt(total) } : {}),
  });
  await call.send(toBinary(WriteContentResponseSchema, response));
}

function wireInfo({ digest, size, createdAt, updatedAt }: BlobInfo): Info {
  return create(InfoSchema, {
    digest,
    size: BigInt(size),
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
  });
}

function wireStatus({ ref, offset, total, expected, startedAt, updatedAt }: IngestStatus): Status {
  return create(StatusSchema, {
    ref,
    offset: BigInt(offset),
    total: BigInt(total),
    expected: expected ?? '',
    startedAt: timestampFromDate(startedAt),
    updatedAt: timestampFromDate(updatedAt),
  });
}
