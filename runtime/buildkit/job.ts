import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { status as code } from '../rpc/status.ts';
import type { Attributes, TypedEntry } from '../../planner/target.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import type { SolveRequestSchema } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { Result as FrontendResult, ResultSchema } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { StatusUpdate } from '../event.ts';
import type { Session } from '../session/session.ts';
import { callFrontend } from './call-frontend.ts';
import type { BuildkitClient } from './client.ts';
import type { Definition } from './definition.ts';
import { BuildError, wireError } from './error.ts';
import { cacheImportsAttr } from './frontend.ts';
import type { Gateway } from './gateway.ts';
import { refIds } from './linked-inputs.ts';
import { ServedSession } from './served-session.ts';
import { watchSilence } from './silence.ts';
import type { WirePolicy } from './source-policy.ts';

/** How long a build that has ended may go on telling of itself, since its last message (buildx waits as long). */
const STATUS_LINGER_MS = 5_000;

/** How long it may go on in all once it has been cancelled: the daemon may be out of reach. */
const GOODBYE_MS = 2_000;

/** How long the daemon may take to end a build whose frontend side has failed. */
const RETURN_GRACE_MS = 5_000;

/** How long the frontend side may take to end of a build that the daemon has refused: it looks for it there for 3 s, in vain. */
const REFUSED_GRACE_MS = 300;

/** One build on one daemon. */
export interface Job {
  /** Chosen by us, unguessable, used once. */
  readonly ref: string;
  readonly frontend: string;
  readonly attrs: Attributes;
  readonly inputs: Readonly<Record<string, Definition>>;
  readonly exporters: readonly { readonly type: string; readonly attrs: Attributes }[];
  readonly cacheImports: readonly TypedEntry[];
  readonly cacheExports: readonly TypedEntry[];
  readonly entitlements: readonly string[];
  /** What may be fetched, and what in place of what. */
  readonly sourcePolicy?: WirePolicy | undefined;
  /** Whether the daemon keeps no record of it: a question to the frontend, a definition that is read. */
  readonly internal?: boolean;
  readonly session: Session;
  /**
   * Called with what the frontend made of the target, before anything is exported; `evaluate` runs its steps. The
   * export begins when it resolves. What it throws ends the build and comes out of {@link runJob}.
   */
  readonly onResult: (result: FrontendResult, evaluate: () => Promise<void>) => Promise<void>;
  /** What is done inside the build in place of calling the frontend. */
  readonly work?: Work['work'];
}

/**
 * Runs one build in gateway mode, as buildx does: the daemon opens a build, we call the Dockerfile frontend inside it,
 * and give its result back to be exported (moby/buildkit `client/build.go`). Resolves with the exporters' answers.
 *
 * Throws {@link BuildError} for the daemon's refusal, for a daemon that was lost (also one that fell silent, within 30 s),
 * and whatever `onResult` throws. When the signal ends, the build is
 * cancelled on the daemon, its last news are still read, and the signal's reason is thrown.
 */
export async function runJob(
  client: BuildkitClient,
  job: Job,
  { onStatus, signal }: { readonly onStatus: (update: StatusUpdate) => void; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const attrs = {
    ...job.attrs,
    ...(job.cacheImports.length === 0 ? {} : { 'cache-imports': cacheImportsAttr(job.cacheImports) }),
  };
  const [first] = job.exporters;
  const request = {
    FrontendAttrs: attrs,
    Cache: { Exports: job.cacheExports.map(wireEntry), Imports: job.cacheImports.map(wireEntry) },
    Entitlements: [...job.entitlements],
    Internal: job.internal ?? false,
    ...(job.sourcePolicy === undefined ? {} : { SourcePolicy: job.sourcePolicy }),
    Exporters: job.exporters.map(wireEntry),
    ...(first === undefined ? {} : { ExporterDeprecated: first.type, ExporterAttrsDeprecated: { ...first.attrs } }),
  };
  const work: Work['work'] = job.work ?? ((gateway, inner) => frontendWork(gateway, { ...job, attrs }, inner));
  return runInside(client, { ref: job.ref, session: job.session, request, work }, { onStatus, signal });
}

/** What is done inside one build on one daemon. */
export interface Work {
  /** Chosen by us, unguessable, used once. */
  readonly ref: string;
  readonly session: Session;
  /** How the build is opened. */
  readonly request: MessageInitShape<typeof SolveRequestSchema>;
  /** Gives the build's result. What it throws ends the build and comes out of {@link runInside}. */
  readonly work: (gateway: Gateway, signal: AbortSignal) => Promise<MessageInitShape<typeof ResultSchema>>;
}

/** Opens a build, does the work inside it, and ends it, with the promises of {@link runJob}. */
export async function runInside(
  client: BuildkitClient,
  work: Work,
  { onStatus, signal }: { readonly onStatus: (update: StatusUpdate) => void; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const own = new AbortController();
  using watch = watchSilence((options) => client.answer(options));
  const inner = AbortSignal.any([signal, own.signal, watch.lost]);
  const news = watchStatus(client, work.ref, onStatus);
  let served: ServedSession | undefined;
  let isRefused = false;
  try {
    await client.ready({ signal: inner });
    const connection = client.session({
      metadata: work.session.metadata(),
      signal: AbortSignal.any([own.signal, watch.lost]),
    });
    served = new ServedSession(work.session, connection, { heard: watch.heard, signal: inner });
    return await solveInGateway(client, work, AbortSignal.any([inner, served.unopened]));
  } catch (error) {
    isRefused = true;
    if (signal.aborted) throw signal.reason;
    const wire = wireError(watch.lost.aborted ? watch.lost.reason : error);
    if (wire === undefined) throw error;
    throw new BuildError(client.isConnected ? (served?.explained(wire) ?? wire) : wire);
  } finally {
    // The daemon is to hear that the build is cancelled before it misses the session, and to record it as such.
    if (signal.aborted) await news.end({ limitMs: GOODBYE_MS });
    await Promise.race([work.session.close(), delay(GOODBYE_MS, undefined, { ref: false })]);
    const isUnopened = served?.unopened.aborted === true;
    const refusedMs = isRefused && !news.isHeard() ? REFUSED_GRACE_MS : undefined;
    await news.end({ limitMs: watch.lost.aborted ? 0 : isUnopened ? GOODBYE_MS : refusedMs });
    own.abort();
  }
}

async function solveInGateway(
  client: BuildkitClient,
  { ref, session, request, work }: Work,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const giveUp = new AbortController();
  const inner = AbortSignal.any([signal, giveUp.signal]);
  const exported = client.solve({ ...request, Ref: ref, Session: session.id }, { signal: inner });
  const returned = endWith(work, client.gateway(ref), inner);
  const both = Promise.allSettled([exported, returned]);
  const graceMs = await Promise.race([
    both.then(() => 0),
    exported.then(
      () => new Promise<never>(() => undefined),
      () => REFUSED_GRACE_MS,
    ),
    returned.then(
      () => new Promise<never>(() => undefined),
      () => RETURN_GRACE_MS,
    ),
  ]);
  if (graceMs > 0) {
    await Promise.race([both, delay(graceMs, undefined, { ref: false, signal }).catch(() => undefined)]);
    giveUp.abort();
  }
  const [response, frontend] = await both;
  if (response.status === 'fulfilled' && frontend.status === 'fulfilled') return response.value.ExporterResponse;
  throw decisive(response, frontend);
}

/**
 * Which of the two errors says what went wrong. One that is not the daemon's comes from us (a broken link) and ended the
 * build on purpose; else the build's own error counts, unless it only says that the build was cancelled.
 */
function decisive(exported: PromiseSettledResult<unknown>, frontend: PromiseSettledResult<unknown>): unknown {
  const [ofBuild, ofFrontend] = [exported, frontend].map((one) => (one.status === 'rejected' ? one.reason : undefined));
  if (ofFrontend !== undefined && wireError(ofFrontend) === undefined) return ofFrontend;
  if (ofBuild === undefined) return ofFrontend;
  const cancelled = wireError(ofBuild)?.code === code.CANCELLED;
  return cancelled && ofFrontend !== undefined ? ofFrontend : ofBuild;
}

async function frontendWork(gateway: Gateway, job: Job, signal: AbortSignal): Promise<FrontendResult> {
  const result = await callFrontend(
    gateway,
    { ...job, inputs: { ...job.inputs }, cacheImports: job.cacheImports.map(wireEntry) },
    signal,
  );
  await job.onResult(result, async () => {
    await Promise.all(refIds(result).map((id) => gateway.evaluate(id, { signal })));
  });
  return result;
}

/** Gives the build what the work comes to; on failure gives it the error, so that it ends. */
async function endWith(work: Work['work'], gateway: Gateway, signal: AbortSignal): Promise<void> {
  try {
    const result = await work(gateway, signal);
    await gateway.return({ result }, { signal });
  } catch (error) {
    const status = wireError(error)?.status ?? create(StatusSchema, { code: code.CANCELLED, message: String(error) });
    await gateway.return({ error: status }, { signal }).catch(buildIsOverAlready);
    throw error;
  }
}

/** The build may have ended by itself, with the error that matters; that it takes no answer any more does not. */
function buildIsOverAlready(): void {}

/** Reads a build's news on a scope of their own, so that a cancelled build still shows how it ended. */
function watchStatus(
  client: BuildkitClient,
  ref: string,
  onStatus: (update: StatusUpdate) => void,
): { isHeard: () => boolean; end: (options: { readonly limitMs: number | undefined }) => Promise<void> } {
  const own = new AbortController();
  let isHeard = false;
  let silence: NodeJS.Timeout | undefined;
  const linger = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => own.abort(), STATUS_LINGER_MS);
  };
  const reading = (async () => {
    for await (const update of client.status(ref, { signal: own.signal })) {
      isHeard = true;
      onStatus(update);
      if (silence !== undefined) linger();
    }
  })().catch(statusIsNews);
  return {
    isHeard: () => isHeard,
    end: async ({ limitMs }) => {
      const limit = limitMs === undefined ? undefined : setTimeout(() => own.abort(), limitMs);
      linger();
      await reading;
      clearTimeout(limit);
      clearTimeout(silence);
    },
  };
}

/** Status tells of the build; whether the build failed is known from Solve, and so is a lost connection. */
function statusIsNews(): void {}

function wireEntry({ type, attrs }: { readonly type: string; readonly attrs: Attributes }): {
  Type: string;
  Attrs: Record<string, string>;
} {
  return { Type: type, Attrs: { ...attrs } };
}
