import type { BuildResultInfo } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { BuildkitClient } from '../buildkit/client.ts';
import { wireError } from '../buildkit/error.ts';
import { ownStep } from './own-step.ts';
import type { RunningTarget } from './target-context.ts';

/** How much of a build's provenance its metadata tells: `min` leaves out the steps and the times. */
export type ProvenanceDetail = 'min' | 'max';

type Json = Readonly<Record<string, unknown>>;

const IN_TOTO = 'application/vnd.in-toto+json';
const PREDICATE_TYPE = 'in-toto.io/predicate-type';
const PROVENANCE = 'https://slsa.dev/provenance/';

/** A provenance with all steps of a build of thousands takes some megabytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A provenance that the record names, and that is none or too large. */
export class BadProvenance extends Error {}

/**
 * What a daemon's record of a build says of its provenance, as base64 of JSON by the keys of a metadata file:
 * `buildx.build.provenance`, or one for each platform (docker/buildx `build/provenance.go`). Empty where the build has none.
 * Rejects with `GrpcError`s, and with {@link BadProvenance}.
 */
export async function recordedProvenance(
  client: BuildkitClient,
  ref: string,
  { detail, signal }: { readonly detail: ProvenanceDetail; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const record = await client.history(ref, { signal });
  const byPlatform = Object.entries(record?.Results ?? {});
  const results =
    byPlatform.length > 0
      ? byPlatform.map(([platform, result]) => [`buildx.build.provenance/${platform}`, result] as const)
      : [['buildx.build.provenance', record?.Result] as const];
  const found = results.map(async ([key, result]) => {
    const attestation = result === undefined ? undefined : provenanceOf(result);
    if (attestation === undefined) return [];
    const predicate = parsed(await text(client, attestation, { signal }));
    const told = detail === 'max' ? predicate : withoutSteps(predicate);
    return [[key, Buffer.from(JSON.stringify(told)).toString('base64')] as const];
  });
  return Object.fromEntries((await Promise.all(found)).flat());
}

/**
 * The same, as a step of the build and as much as is asked for. The image is there by then: a record that cannot be read is
 * shown as a step that failed, and the build has not.
 */
export async function toldProvenance(
  ref: string,
  { client, services, onStatus, signal }: RunningTarget,
): Promise<Readonly<Record<string, string>>> {
  const detail = services.responseProvenance;
  if (detail === undefined) return {};
  const name = 'resolving provenance for metadata file';
  return ownStep(name, onStatus, () => recordedProvenance(client, ref, { detail, signal })).catch((error: unknown) => {
    signal.throwIfAborted();
    if (wireError(error) === undefined && !(error instanceof BadProvenance)) throw error;
    return {};
  });
}

function provenanceOf({ Attestations }: BuildResultInfo): BuildResultInfo['Attestations'][number] | undefined {
  return Attestations.find(
    ({ mediaType, annotations }) => mediaType === IN_TOTO && annotations[PREDICATE_TYPE]?.startsWith(PROVENANCE),
  );
}

async function text(
  client: BuildkitClient,
  { digest, size }: BuildResultInfo['Attestations'][number],
  { signal }: { readonly signal: AbortSignal },
): Promise<string> {
  if (size > BigInt(MAX_BYTES))
    throw new BadProvenance(`the provenance has ${size} bytes, and ${MAX_BYTES} are read at most`);
  const parts: Uint8Array[] = [];
  for await (const part of client.readBlob(digest, { signal })) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function parsed(json: string): Json {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null) return value as Json;
  } catch (error) {
    throw new BadProvenance('the provenance is no JSON', { cause: error });
  }
  throw new BadProvenance('the provenance is no JSON object');
}

/** In SLSA 0.2 steps and times stand at the top, in 1 each at its own place. */
function withoutSteps({ buildConfig: _steps, metadata: _times, ...rest }: Json): Json {
  const { buildDefinition, runDetails } = rest as { buildDefinition?: Json; runDetails?: Json };
  if (buildDefinition === undefined && runDetails === undefined) return rest;
  const { internalParameters, ...definition } = buildDefinition ?? {};
  const { buildConfig: _config, ...internal } = (internalParameters ?? {}) as Json;
  const { metadata: _when, ...run } = runDetails ?? {};
  return { ...rest, buildDefinition: { ...definition, internalParameters: internal }, runDetails: run };
}
