import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { randomId } from '../session/session.ts';
import type { Session } from '../session/session.ts';
import { orAborted } from '../session/abortable.ts';
import type { Attributes } from '../../planner/target.ts';
import type { Ref, Result, ResultSchema } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { RefSchema } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { StatusUpdate } from '../event.ts';
import type { BuildkitClient } from './client.ts';
import type { Gateway } from './gateway.ts';
import { runInside } from './job.ts';

/** Keeps what a build made where the builder has it at hand. */
export interface HeldResult extends AsyncDisposable {}

/**
 * Keeps the results of a build's steps with the builder beyond the end of that build, in a build of its own that ends when it is
 * disposed of. Without it, a graph that is solved once more is looked up in the cache, where of two targets' equal steps any is
 * found, whose layers have other digests; and what the cache has lost is run again.
 *
 * The first build must be alive, and must have run its steps, when this is called. Rejects as {@link runInside} does.
 */
export async function holdResult(
  client: BuildkitClient,
  { result, session }: Pick<SecondExport, 'result' | 'session'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<HeldResult> {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const work = async (gateway: Gateway, inner: AbortSignal): Promise<Record<string, never>> => {
    await Promise.all(refsOf(result).map(([, ref]) => again(ref, gateway, { signal: inner, isEvaluated: true })));
    held.resolve();
    await orAborted(released.promise, inner);
    return {};
  };
  const request = { Internal: true };
  const ended = runInside(client, { ref: randomId(), session, request, work }, { onStatus: toldBefore, signal });
  ended.catch(held.reject);
  await held.promise;
  return {
    async [Symbol.asyncDispose]() {
      released.resolve();
      await ended.catch(nothingLeftToHold);
    },
  };
}

/** The build itself has told of its steps. */
function toldBefore(): void {}

/** Whoever needed what was held fails by itself. */
function nothingLeftToHold(): void {}

/** What is exported once more. */
export interface SecondExport {
  /** What the frontend made of the target in its own build. */
  readonly result: Result;
  readonly exporter: { readonly type: string; readonly attrs: Attributes };
  /** SOURCE_DATE_EPOCH of the build, which exporters read. */
  readonly epoch: string | undefined;
  /** Answers what the exporter asks for, such as the credentials of a registry. */
  readonly session: Session;
}

/**
 * Exports images that have just been built in a build of their own, without calling the frontend: the graphs that it made are
 * solved again, and the results are those that a {@link holdResult} keeps. Only the images are exported; attestations belong to the
 * build that made them, and BuildKit takes them from nobody else. The daemon keeps no record of it.
 *
 * Resolves with the exporter's answer, and rejects as {@link runInside} does.
 */
export function exportAgain(
  client: BuildkitClient,
  { result, exporter, epoch, session }: SecondExport,
  options: { readonly onStatus: (update: StatusUpdate) => void; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const one = { Type: exporter.type, Attrs: { ...exporter.attrs } };
  const request = {
    FrontendAttrs: epoch === undefined ? {} : { 'build-arg:SOURCE_DATE_EPOCH': epoch },
    Exporters: [one],
    ExporterDeprecated: one.Type,
    ExporterAttrsDeprecated: one.Attrs,
    Internal: true,
  };
  return runInside(
    client,
    { ref: randomId(), session, request, work: (gateway, signal) => solvedAgain(result, gateway, signal) },
    options,
  );
}

/**
 * Has the builder fetch every layer of images that it has just built: those of a base image whose files no step needed are only
 * known by name until something looks at them. `wants` chooses by platform (`linux/amd64`); an image that was built for none by
 * name is always wanted. Rejects as {@link exportAgain} does.
 */
export async function fetchLayers(
  client: BuildkitClient,
  {
    result,
    session,
    wants,
  }: Pick<SecondExport, 'result' | 'session'> & { readonly wants: (platform: string) => boolean },
  options: { readonly onStatus: (update: StatusUpdate) => void; readonly signal: AbortSignal },
): Promise<void> {
  const work = async (gateway: Gateway, signal: AbortSignal): Promise<Record<string, never>> => {
    const refs = refsOf(result).filter(([platform]) => platform === undefined || wants(platform));
    await Promise.all(
      refs.map(async ([, ref]) => {
        const { id } = await again(ref, gateway, { signal });
        // Looking for a file takes the whole tree, down to the first layer.
        if (id !== '') await gateway.fileSize(id, '/', { signal });
      }),
    );
    return {};
  };
  await runInside(client, { ref: randomId(), session, request: { Internal: true }, work }, options);
}

async function solvedAgain(
  { result, metadata }: Result,
  gateway: Gateway,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof ResultSchema>> {
  switch (result.case) {
    case 'ref':
      return { metadata, result: { case: 'ref', value: await again(result.value, gateway, { signal }) } };
    case 'refs': {
      const refs = await Promise.all(
        Object.entries(result.value.refs).map(
          async ([platform, ref]) => [platform, await again(ref, gateway, { signal })] as const,
        ),
      );
      return { metadata, result: { case: 'refs', value: { refs: Object.fromEntries(refs) } } };
    }
    default:
      throw new Error('the builder gave a result without its graph');
  }
}

function refsOf({ result }: Result): readonly (readonly [platform: string | undefined, ref: Ref])[] {
  if (result.case === 'ref') return [[undefined, result.value]];
  return result.case === 'refs' ? Object.entries(result.value.refs) : [];
}

async function again(
  { def, id }: Ref,
  gateway: Gateway,
  { signal, isEvaluated = false }: { readonly signal: AbortSignal; readonly isEvaluated?: boolean },
): Promise<Ref> {
  if (def === undefined || id === '') return create(RefSchema);
  const solved = await gateway.solve(
    { Definition: def, Evaluate: isEvaluated, allowResultReturn: true, allowResultArrayRef: true },
    { signal },
  );
  if (solved?.result.case !== 'ref') throw new Error('the builder gave no result for a graph of its own');
  return solved.result.value;
}
