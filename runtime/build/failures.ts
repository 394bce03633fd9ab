import { FIRST_ANSWER_MS } from '../buildkit/daemon-calls.ts';
import { describeEndpoint } from '../buildkit/describe-endpoint.ts';
import type { Endpoint } from '../buildkit/endpoint.ts';
import { wireError, codeName, isConnectionLoss } from '../buildkit/error.ts';
import type { WireError } from '../buildkit/error.ts';
import { newerDaemonHint } from '../buildkit/refusals.ts';
import type { StepLog } from '../buildkit/step-log.ts';
import { isDocker } from '../buildkit/dial.ts';
import { explainUnreachable } from '../docker/unreachable.ts';
import type { BuilderLost, BuilderUnreachable, RuntimeFailure, SolveFailed } from '../failure.ts';

const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;

/** A builder that did not answer its first question. */
export function unreachableBuilder(endpoint: Endpoint, error: unknown): BuilderUnreachable {
  const wire = wireError(error);
  const said = indented(wire?.message ?? (error instanceof Error ? error.message : String(error)));
  return {
    reason: 'builder-unreachable',
    endpoint: describeEndpoint(endpoint),
    hint: isDocker(endpoint)
      ? 'is the engine running? `depot engine status` tells, `depot engine up` starts one'
      : 'start that BuildKit; or unset BUILDKIT_HOST, if it is set, to build on another engine',
    ...(wire?.code === DEADLINE_EXCEEDED
      ? { cause: `it did not answer in ${FIRST_ANSWER_MS / 1000} seconds` }
      : explainUnreachable(said, endpoint)),
  };
}

/** What the daemon said of a target that it could not build, or that it went away. */
export function buildFailure(
  wire: WireError,
  about: {
    readonly target: string;
    readonly endpoint: string;
    readonly log: StepLog;
    /** The name the daemon was told for the Dockerfile, and the path that the user knows it by. */
    readonly dockerfile: { readonly asked: string; readonly shown: string };
  },
): SolveFailed | BuilderLost {
  if (isConnectionLoss(wire)) {
    return {
      reason: 'builder-lost',
      endpoint: about.endpoint,
      targets: [about.target],
      cause: indented(wire.message),
    };
  }
  const step = about.log.step(wire.vertex);
  return {
    reason: 'solve-failed',
    target: about.target,
    message: indented(wire.message),
    ...(wire.code === UNKNOWN ? {} : { code: codeName(wire.code) }),
    sources: wire.sources.map((source) =>
      source.filename === about.dockerfile.asked ? { ...source, filename: about.dockerfile.shown } : source,
    ),
    ...(step === undefined ? {} : { step }),
    ...hint(wire.message),
  };
}

/** The failures of a build, a lost builder told once for all the targets that were on it. */
export function withLossesJoined(failures: readonly RuntimeFailure[]): readonly RuntimeFailure[] {
  const lost = failures.filter((failure) => failure.reason === 'builder-lost');
  const [first] = lost;
  if (first === undefined) return failures;
  const joined = { ...first, targets: lost.flatMap(({ targets }) => targets) };
  return [joined, ...failures.filter((failure) => failure.reason !== 'builder-lost')];
}

/** What would help, for what a builder that is too old says, and for what a registry answers most often. */
function hint(message: string): { readonly hint?: string } {
  const newer = newerDaemonHint(message);
  if (newer !== undefined) return { hint: newer };
  const login = (registry: string): { readonly hint: string } => ({
    hint: `log in with \`docker login ${registry}\`, or check the credentials in Docker's config.json`,
  });
  const tokenFor = /no token for (\S+): .* refused a token/.exec(message)?.[1];
  if (tokenFor !== undefined) return login(tokenFor);
  const registry = /(?:https?:\/\/)([^/"\s]+)\//.exec(message)?.[1];
  if (registry === undefined) return {};
  if (/connection refused|no such host|i\/o timeout/.test(message)) {
    return { hint: `is the registry ${registry} running, and can the builder reach it?` };
  }
  if (/401 Unauthorized|no basic auth credentials|authorization failed|insufficient_scope|denied/i.test(message)) {
    return login(registry);
  }
  return {};
}

/** Further lines of a message stand apart from our own: what a builder says cannot pass for what we say. */
function indented(message: string): string {
  return message.replace(/\r?\n|\r/g, '\n    ');
}
