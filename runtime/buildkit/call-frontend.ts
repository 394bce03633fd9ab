import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Attributes } from '../../planner/target.ts';
import type { SolveRequestSchema } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { wireError } from './error.ts';
import type { Gateway } from './gateway.ts';

/** A frontend that knows every question, for those that are too old for one (docker/buildx `build/build.go`). */
const ANSWERING_FRONTEND =
  'docker/dockerfile:1.8.1@sha256:e87caa74dcb7d46cd820352bfea12591f3dba3ddc4285e19c7dcd13359f7cefd';

const UNKNOWN_QUESTION = /unsupported request frontend\.(?:outline|targets|lint)\b/;

/** What the frontend is called with. */
export interface FrontendCall {
  readonly frontend: string;
  readonly attrs: Attributes;
  readonly inputs: NonNullable<MessageInitShape<typeof SolveRequestSchema>['FrontendInputs']>;
  readonly cacheImports: NonNullable<MessageInitShape<typeof SolveRequestSchema>['CacheImports']>;
}

/**
 * Has the frontend make its result inside a running build. One that does not know what it is asked is asked again by way of
 * a newer one; where that cannot be had, the first refusal counts.
 */
export async function callFrontend(
  gateway: Gateway,
  { frontend, attrs, inputs, cacheImports }: FrontendCall,
  signal: AbortSignal,
): Promise<FrontendResult> {
  const call = (all: Attributes): Promise<FrontendResult | undefined> =>
    gateway.solve(
      {
        Frontend: frontend,
        FrontendOpt: { ...all },
        FrontendInputs: inputs,
        allowResultReturn: true,
        allowResultArrayRef: true,
        CacheImports: cacheImports,
      },
      { signal },
    );
  const result = await call(attrs).catch((refusal: unknown) => {
    if (!UNKNOWN_QUESTION.test(wireError(refusal)?.message ?? '')) throw refusal;
    return call({ ...attrs, 'build-arg:BUILDKIT_SYNTAX': ANSWERING_FRONTEND }).catch(() => {
      throw refusal;
    });
  });
  if (result === undefined) throw new Error('the frontend gave no result');
  return result;
}
