import { randomId, Session } from '../session/session.ts';
import type { BuildkitClient } from './client.ts';
import { runInside } from './job.ts';

/**
 * What a daemon says it can do (moby/buildkit `solver/pb/caps.go`): more to be relied on than its version, which may be any
 * word. It is asked inside an empty build, of which no record stays. Rejects as {@link runInside}.
 */
export async function daemonCapabilities(
  client: BuildkitClient,
  { signal }: { readonly signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  let known: ReadonlySet<string> = new Set();
  await runInside(
    client,
    {
      ref: randomId(),
      session: new Session({ sharedKey: '', services: [] }),
      request: { Cache: {}, Internal: true },
      work: async (gateway, inner) => {
        const { LLBCaps } = await gateway.ping({ signal: inner });
        known = new Set(LLBCaps.filter(({ Enabled }) => Enabled).map(({ ID }) => ID));
        return {};
      },
    },
    { onStatus: () => undefined, signal },
  );
  return known;
}
