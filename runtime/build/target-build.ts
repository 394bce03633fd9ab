import path from 'node:path';
import { calledMethod } from '../../planner/options/call.ts';
import type { Target } from '../../planner/target.ts';
import type { Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { wireError } from '../buildkit/error.ts';
import type { HeldResult } from '../buildkit/export-again.ts';
import { pulledExports } from '../buildkit/exporters.ts';
import type { FrontendRequest } from '../buildkit/frontend.ts';
import { frontendRequest } from '../buildkit/frontend.ts';
import { runJob } from '../buildkit/job.ts';
import type { LinkedInputs } from '../buildkit/linked-inputs.ts';
import { linkedInputs } from '../buildkit/linked-inputs.ts';
import { StepLog } from '../buildkit/step-log.ts';
import type { StatusUpdate } from '../event.ts';
import type { RuntimeFailure } from '../failure.ts';
import { FailureError } from '../failure.ts';
import { randomId } from '../session/session.ts';
import { uploadUrl } from '../session/upload.ts';
import type { BuiltTarget } from './build.ts';
import { plannedCaches } from './caches.ts';
import { buildFailure } from './failures.ts';
import { gitAttrs, gitSettings } from './git-info.ts';
import { ignoreFileTooLarge } from './ignore-file.ts';
import { LinkBroken } from './links.ts';
import { loadImage, pullableNames } from './loading.ts';
import { skippedStep } from './own-step.ts';
import type { PreparedTarget } from './prepare.ts';
import { withPushAgain } from './push-again.ts';
import type { PushResult } from './pushing.ts';
import { holdForPush, pushFailures, pushSeparately } from './pushing.ts';
import { toldProvenance } from './recorded-provenance.ts';
import type { SeparatePush } from './separate-push.ts';
import { separatePush } from './separate-push.ts';
import type { BuildServices, RunningTarget, TargetContext } from './target-context.ts';
import { sharedKey, targetSession } from './target-session.ts';
import { finishLayouts } from './written-layouts.ts';

/** How one target ended. */
export type TargetResult =
  | { readonly is: 'built'; readonly built: BuiltTarget }
  | { readonly is: 'failed'; readonly failure: RuntimeFailure }
  | { readonly is: 'skipped'; readonly because: string };

/**
 * Builds one target in its place among the linked ones. Never rejects for a foreseen failure; whatever happens, those
 * who wait for this target are told.
 */
export async function buildTarget(prepared: PreparedTarget, context: TargetContext): Promise<TargetResult> {
  const { name } = prepared.target;
  const log = new StepLog();
  const onStatus = (update: StatusUpdate): void => {
    log.record(update);
    context.emit({ type: 'status', target: name, update });
  };
  const running = { ...context, onStatus, uploads: uploadsOf(prepared.target, context.services) };
  let request: FrontendRequest | undefined;
  try {
    request = requestOf(prepared, running);
    return { is: 'built', built: await run(prepared, request, running) };
  } catch (error) {
    context.links.broken(name, error instanceof LinkBroken ? error.because : name);
    return resultOf(error, { ...context, prepared, request, log });
  }
}

function uploadsOf({ context }: Target, { contextArchive }: BuildServices): RunningTarget['uploads'] {
  return context === '-' && contextArchive !== undefined ? new Map([[randomId(), contextArchive]]) : new Map();
}

function requestOf(
  { target, dockerfile, layouts }: PreparedTarget,
  { cwd, remote, facts, services, uploads }: RunningTarget,
): FrontendRequest {
  const [upload] = uploads.keys();
  return frontendRequest(target, {
    cwd,
    remote,
    facts,
    defaultProvenance: services.defaultProvenance,
    dockerfile,
    layouts: new Map([...layouts].map(([as, { reference }]) => [as, reference])),
    sharedKey: (dir) => sharedKey(services.nodeId, dir),
    upload: upload === undefined ? undefined : uploadUrl(upload),
  });
}

async function run(prepared: PreparedTarget, request: FrontendRequest, context: RunningTarget): Promise<BuiltTarget> {
  const { target } = prepared;
  const linked = await Promise.all(
    [...request.links].map(async ([as, link]) => linkedInputs(as, link, await context.links.result(link))),
  );
  const isAsked = calledMethod(target.call) !== undefined;
  let answer: Readonly<Record<string, string>> = {};
  const caches = await plannedCaches(target, { cwd: context.cwd, env: context.services.env });
  for (const { name, why } of caches.skipped) await skippedStep(name, why, context.onStatus);
  const attrs = { ...merged(request.attrs, linked), ...(await sourceAttrs(prepared, request, context)) };
  const { loaders } = context.services;
  const names = loaders === undefined || isAsked ? undefined : pullableNames(target, context.exports);
  if (names !== undefined) loaders?.[0]?.prepare?.();
  const push = isAsked ? undefined : separatePush(context.exports);
  const asked = push?.exports ?? context.exports;
  const exporters = names === undefined ? asked : pulledExports(asked);
  let made: FrontendResult | undefined;
  let held: HeldResult | undefined;
  await using _held = { [Symbol.asyncDispose]: async () => held?.[Symbol.asyncDispose]() };
  let ref = '';
  const build = (): Promise<Readonly<Record<string, string>>> => {
    ref = randomId();
    return runJob(
      context.client,
      {
        frontend: request.frontend,
        attrs,
        inputs: Object.assign({ ...request.inputs }, ...linked.map(({ inputs }) => inputs)) as LinkedInputs['inputs'],
        cacheImports: caches.imports,
        cacheExports: isAsked ? [] : caches.exports,
        entitlements: request.entitlements,
        internal: isAsked,
        sourcePolicy: context.services.sourcePolicy,
        ref,
        exporters,
        session: targetSession(prepared, request, { ...context, exports: exporters, caches }),
        onResult: async (result, evaluate) => {
          answer = texts(result.metadata);
          made = result;
          await context.links.run(target.name, result, evaluate);
          if (push === undefined) return;
          await evaluate();
          held = await holdForPush(result, context);
        },
      },
      context,
    );
  };
  // What is linked, or came by stdin, cannot be built a second time by itself.
  const isAlone = !context.links.isLinked(target.name) && context.uploads.size === 0;
  const response = await (isAlone ? withPushAgain(build, context) : build());
  const image = { digest: response['containerimage.digest'] ?? '', result: made };
  const [pushes, loadFailure] = await Promise.all([
    push === undefined ? [] : pushed(push, { ...image, held, attrs, context }),
    loaders === undefined || names === undefined
      ? undefined
      : loadImage({ ...image, tags: names }, { ...context, target: target.name, loaders, result: made }).then(
          () => undefined,
          foreseenFailure,
        ),
  ]);
  await finishLayouts(response, {
    target: target.name,
    caches: isAsked ? [] : caches.kept,
    layouts: context.exports.flatMap(({ sink }) => (sink?.kind === 'layout' ? [sink] : [])),
    resolve: (file) => path.resolve(context.cwd, file),
  });
  const provenance = isAsked ? {} : await toldProvenance(ref, context);
  const failures = [...pushFailures(target.name, pushes), ...(loadFailure === undefined ? [] : [loadFailure])];
  return {
    name: target.name,
    ref,
    response: { ...response, ...provenance },
    pushes,
    failures,
    ...(isAsked ? { answer } : {}),
  };
}

async function pushed(
  push: SeparatePush,
  {
    digest,
    result,
    held,
    attrs,
    context,
  }: {
    readonly digest: string;
    readonly result: FrontendResult | undefined;
    readonly held: HeldResult | undefined;
    readonly attrs: Readonly<Record<string, string>>;
    readonly context: RunningTarget;
  },
): Promise<readonly PushResult[]> {
  if (result === undefined) throw new Error('the builder ended a build that had no result');
  return pushSeparately(push, { ...context, digest, result, held, epoch: attrs['build-arg:SOURCE_DATE_EPOCH'] });
}

/** A failed load is told beside what came of the pushes. */
function foreseenFailure(error: unknown): RuntimeFailure {
  if (error instanceof FailureError) return error.failure;
  throw error;
}

/** Which revision of which repository the target is built from. */
async function sourceAttrs(
  { dockerfile, dockerfileShown }: PreparedTarget,
  { localDirs }: FrontendRequest,
  { repository, services, cwd }: TargetContext,
): Promise<Readonly<Record<string, string>>> {
  if (repository === undefined) return {};
  return gitAttrs(repository, {
    settings: gitSettings(services.env),
    dockerfile:
      dockerfile === undefined ? path.resolve(cwd, dockerfileShown) : path.join(dockerfile.dir, dockerfile.name),
    dirs: localDirs,
  });
}

function texts(metadata: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).map(([key, bytes]) => [key, Buffer.from(bytes).toString('utf8')]));
}

function merged(attrs: Readonly<Record<string, string>>, linked: readonly LinkedInputs[]): Record<string, string> {
  return Object.assign({ ...attrs }, ...linked.map((one) => one.attrs)) as Record<string, string>;
}

function resultOf(
  error: unknown,
  about: TargetContext & {
    readonly prepared: PreparedTarget;
    readonly request: FrontendRequest | undefined;
    readonly log: StepLog;
  },
): TargetResult {
  if (about.signal.aborted) return { is: 'failed', failure: { reason: 'canceled' } };
  if (error instanceof LinkBroken) return { is: 'skipped', because: error.because };
  if (error instanceof FailureError) return { is: 'failed', failure: error.failure };
  const wire = wireError(error);
  if (wire === undefined) throw error;
  const tooLarge = ignoreFileTooLarge(wire, {
    target: about.prepared.target.name,
    context: about.request?.localDirs.get('context'),
    dockerfile: about.prepared.dockerfile,
  });
  if (tooLarge !== undefined) return { is: 'failed', failure: tooLarge };
  return {
    is: 'failed',
    failure: buildFailure(wire, {
      target: about.prepared.target.name,
      endpoint: about.client.endpoint,
      log: about.log,
      dockerfile: { asked: about.request?.attrs.filename ?? '', shown: about.prepared.dockerfileShown },
    }),
  };
}
