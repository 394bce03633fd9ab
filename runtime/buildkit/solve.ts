import type { Attributes, TypedEntry } from '../../planner/target.ts';
import type { StatusUpdate } from '../event.ts';
import type { SessionService } from '../session/server.ts';
import { randomId, Session } from '../session/session.ts';
import type { BuildkitClient } from './client.ts';
import type { Definition } from './definition.ts';
import type { Job } from './job.ts';
import { runJob } from './job.ts';
import type { WirePolicy } from './source-policy.ts';

/** What is to be built. All of it may be left out but what the frontend needs. */
export interface Build {
  /** By which the build is known while it runs, and in the daemon's history; unguessable. A new one by default. */
  readonly ref?: string;
  /** `dockerfile.v0` by default; `gateway.v0` runs the image that the attribute `source` names. */
  readonly frontend?: string;
  /** The frontend's options (moby/buildkit `frontend/dockerui`), and those of the daemon (`attest:provenance`). */
  readonly attrs?: Attributes;
  /** Graphs that the attributes refer to (`context:NAME` = `input:KEY`). */
  readonly inputs?: Readonly<Record<string, Definition>>;
  /** Where the result goes; the place of each is its id for `fileSendService`. With none it stays in the cache. */
  readonly exporters?: readonly TypedEntry[];
  readonly cacheImports?: readonly TypedEntry[];
  readonly cacheExports?: readonly TypedEntry[];
  /** What the build may do beyond plain building (`network.host`, `security.insecure`). */
  readonly entitlements?: readonly string[];
  /** What the daemon may fetch for it, and what in place of what (moby/buildkit `sourcepolicy`). */
  readonly sourcePolicy?: WirePolicy;
  /** Whether the daemon keeps no record of it. */
  readonly internal?: boolean;
  /** What the daemon may ask of this machine while it builds: folders, secrets, credentials, places for what is exported. */
  readonly services?: readonly SessionService[];
  /** The same for the same folders only: the daemon then asks for nothing but what has changed in them. */
  readonly sharedKey?: string;
  /** Called with what the frontend gave, before it is exported; `evaluate` runs its steps. What it throws ends the build. */
  readonly onResult?: Job['onResult'];
  /** What is done inside the build in place of calling the frontend; gives the build's result. */
  readonly work?: Job['work'];
}

/** How a build ended well. */
export interface Built {
  readonly ref: string;
  /** What the exporters answered (`containerimage.digest`, `image.name`...; moby/buildkit `exporter/containerimage`). */
  readonly response: Readonly<Record<string, string>>;
}

/**
 * Builds. Rejects with a {@link BuildError} when the daemon could not, or was lost (also when it fell silent: within 30 s);
 * with the signal's reason when that has ended the build, which is then cancelled on the daemon; and with whatever
 * `onResult` or `work` threw. `onStatus` is told what happens, step by step, and must not throw.
 */
export async function solve(
  client: BuildkitClient,
  build: Build,
  { onStatus, signal }: { readonly onStatus?: (update: StatusUpdate) => void; readonly signal: AbortSignal },
): Promise<Built> {
  const ref = build.ref ?? randomId();
  const response = await runJob(
    client,
    {
      ref,
      frontend: build.frontend ?? 'dockerfile.v0',
      attrs: build.attrs ?? {},
      inputs: build.inputs ?? {},
      exporters: build.exporters ?? [],
      cacheImports: build.cacheImports ?? [],
      cacheExports: build.cacheExports ?? [],
      entitlements: build.entitlements ?? [],
      internal: build.internal ?? false,
      sourcePolicy: build.sourcePolicy,
      session: new Session({ sharedKey: build.sharedKey ?? '', services: build.services ?? [] }),
      onResult: build.onResult ?? nothingFirst,
      ...(build.work === undefined ? {} : { work: build.work }),
    },
    { onStatus: onStatus ?? unheard, signal },
  );
  return { ref, response };
}

async function nothingFirst(): Promise<void> {}

function unheard(): void {}
