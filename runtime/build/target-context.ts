import type { BuildkitClient } from '../buildkit/client.ts';
import type { DaemonFacts } from '../buildkit/daemon.ts';
import type { PlannedExport } from '../buildkit/exporters.ts';
import type { WirePolicy } from '../buildkit/source-policy.ts';
import type { EventSink, StatusUpdate } from '../event.ts';
import type { ArchiveSink } from '../session/file-send.ts';
import type { AskPassphrase } from '../session/ssh-key-files.ts';
import type { GitInfo } from './git-info.ts';
import type { Links } from './links.ts';
import type { ImageLoader } from './loading.ts';
import type { ProvenanceDetail } from './recorded-provenance.ts';
import type { RegistryServices } from './registry-session.ts';

/** What a build may use of the machine it is started on. */
export interface BuildServices extends RegistryServices {
  /** Tells this machine from others, so that their uploads do not mix on a shared daemon. */
  readonly nodeId: string;
  /** Whether targets that say nothing of provenance get it. */
  readonly defaultProvenance: boolean;
  /** How much of the provenance the response tells; undefined: nothing. */
  readonly responseProvenance?: ProvenanceDetail | undefined;
  readonly stdout: NodeJS.WritableStream;
  /** Asks the user for the passphrase of an ssh key; undefined where nobody can be asked. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** What builds may fetch, and what in place of what. */
  readonly sourcePolicy?: WirePolicy | undefined;
  /** What a context of `-` is: an archive, which can be read once. */
  readonly contextArchive?: AsyncIterable<Uint8Array>;
  /** Puts an image archive into the local Docker Engine; undefined when there is none to load into. */
  readonly loadArchive?: ArchiveSink;
  /** Why there is none, where the user named one. */
  readonly noDocker?: string | undefined;
  /** The ways of an image from a builder into the local Docker Engine, best first; undefined when there is none. */
  readonly loaders?: readonly ImageLoader[];
}

/** What the build of one target is given beside the target. */
export interface TargetContext {
  readonly client: BuildkitClient;
  readonly facts: DaemonFacts;
  readonly links: Links;
  readonly exports: readonly PlannedExport[];
  readonly cwd: string;
  /** Where the definition came from, when its folders may be contexts. */
  readonly remote: string | undefined;
  /** The repository that the context lies in. */
  readonly repository: GitInfo | undefined;
  readonly services: BuildServices;
  readonly emit: EventSink;
  readonly signal: AbortSignal;
}

/** The same while it runs. */
export interface RunningTarget extends TargetContext {
  readonly onStatus: (update: StatusUpdate) => void;
  /** Streams that the daemon fetches from the session, by their ids there. */
  readonly uploads: ReadonlyMap<string, AsyncIterable<Uint8Array>>;
}
