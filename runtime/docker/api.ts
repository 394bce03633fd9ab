/** Every call takes a signal; aborting it rejects the call with the signal's reason. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** What a Docker Engine says about itself with every answer, and so with the cheapest (`GET /_ping`). */
export interface DockerPing {
  /** `28.5.2+dfsg4`, from the `Server` header; empty when it does not say. */
  readonly engine: string;
  /** `1.51`. */
  readonly api: string;
  readonly os: string;
}

/** What a Docker Engine says about itself when asked at length (`GET /version`). */
export interface DockerVersion {
  /** `28.5.2+dfsg4`. */
  readonly engine: string;
  /** `1.51`. */
  readonly api: string;
  readonly os: string;
  /** Go's name: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** The parts of `GET /info` that decide how images get in. */
export interface DockerInfo {
  readonly id: string;
  readonly name: string;
  readonly serverVersion: string;
  readonly storageDriver: string;
  /** The containerd image store: whole manifest lists, OCI archives. Otherwise the older store of single images. */
  readonly containerdStore: boolean;
  readonly os: string;
  /** As the kernel has it: `x86_64`, `aarch64`. */
  readonly architecture: string;
}

/** One line of what a daemon says while it loads or pulls. */
export interface ImageProgress {
  readonly id?: string;
  readonly status?: string;
  readonly text?: string;
  readonly current?: number;
  readonly total?: number;
}

/** An image in the daemon. */
export interface DockerImage {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly os: string;
  readonly architecture: string;
  readonly sizeBytes: number;
}

/** What a container is made from; the keys of Docker's own `Config` and `HostConfig` go through unchanged. */
export interface ContainerSpec {
  readonly image: string;
  readonly name?: string;
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly tty?: boolean;
  /** Whether it has a standard input; the container's ends with whoever is attached to it. */
  readonly stdin?: boolean;
  /** `linux/arm64`; absent: the daemon's own. */
  readonly platform?: string;
  readonly hostConfig?: Readonly<Record<string, unknown>>;
}

/** One image reference in parts, as the API wants them. */
export interface ImageName {
  readonly repository: string;
  readonly tag: string;
}
