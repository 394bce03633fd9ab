/** `key=value` attributes of a structured entry; keys in the order of first appearance. */
export type Attributes = Readonly<Record<string, string>>;

/** An output, cache or attestation entry: a type and its attributes (`type=registry,ref=x`). */
export interface TypedEntry {
  readonly type: string;
  readonly attrs: Attributes;
}

/** An attestation asked for (`type=provenance,mode=max`) or switched off (`disabled=true`). */
export interface AttestEntry extends TypedEntry {
  readonly disabled: boolean;
}

/** A build secret: from a file (`src`) or an environment variable (`env`); neither: looked up by id. */
export interface SecretEntry {
  readonly id: string;
  readonly src?: string;
  readonly env?: string;
}

/** A forwarded ssh agent socket or keys; no paths means `SSH_AUTH_SOCK`. */
export interface SshEntry {
  readonly id: string;
  readonly paths: readonly string[];
}

/**
 * One image (or other result) to build, fully resolved: inheritance, matrix, variables and overrides are done.
 * The planner's whole output vocabulary for the runtime; attribute names follow bake (buildx `bake/bake.go`), in camel
 * case. Absent means the user said nothing.
 */
export interface Target {
  readonly name: string;
  readonly description?: string;
  readonly annotations: readonly string[];
  readonly attest: readonly AttestEntry[];
  /** A cleaned local path, or a URL; `.` when the user said nothing. */
  readonly context: string;
  /** Whether the context is a folder of the tree that the definition came from (`Plan.remote`), and no local one. */
  readonly contextIsRemote?: boolean;
  /** Named contexts: path, URL, `docker-image://`, `oci-layout://`, `target:NAME`. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Relative to the context; `Dockerfile` when the user said nothing. */
  readonly dockerfile: string;
  readonly dockerfileInline?: string;
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly cacheFrom: readonly TypedEntry[];
  readonly cacheTo: readonly TypedEntry[];
  /** The stage to build; empty string is kept as such. */
  readonly target?: string;
  readonly secrets: readonly SecretEntry[];
  readonly ssh: readonly SshEntry[];
  /** As the user wrote them (`linux/amd64`); not normalised. */
  readonly platforms: readonly string[];
  readonly outputs: readonly TypedEntry[];
  readonly pull?: boolean;
  readonly noCache?: boolean;
  readonly network?: string;
  readonly noCacheFilter: readonly string[];
  /** As the user wrote it (`128m`); `sizeBytes` in `options/checks.ts` gives the bytes. */
  readonly shmSize?: string;
  /** The control group under which steps run; for `depot build` only. */
  readonly cgroupParent?: string;
  readonly ulimits: readonly string[];
  readonly call?: string;
  readonly entitlements: readonly string[];
  readonly extraHosts: Readonly<Record<string, string>>;
  /** Depot's own: the project whose builders build this target. */
  readonly projectId?: string;
}

/** A named set of targets and groups. */
export interface Group {
  readonly name: string;
  readonly description?: string;
  /** Absent: the definition says `null`. */
  readonly targets?: readonly string[];
}

/** What a bake definition comes to for the targets that were asked for (linked targets included). */
export interface Plan {
  readonly groups: readonly Group[];
  readonly targets: readonly Target[];
  /** Names of the targets that were asked for, groups expanded; the others are there because these link to them. */
  readonly requested: readonly string[];
  /**
   * The URL of the repository or archive that the definition came from. Paths of named contexts are then seen from its
   * root, `.` is the URL itself, and only `cwd://` is local.
   */
  readonly remote?: string;
}
