/** One run of bake, compose or build. */
export type BuildId = string & { readonly brand: 'BuildId' };

/** One unit of one build. */
export type UnitId = string & { readonly brand: 'UnitId' };

/** What stays the same from build to build of a project: a target on hosts of one architecture (`web@arm64`). */
export type UnitKey = string & { readonly brand: 'UnitKey' };

/**
 * The smallest thing that is given to a host: one target, for those of its platforms that hosts of one architecture build.
 * A target for linux/amd64 and linux/arm64 is two units where no host builds both natively, else one.
 */
export interface Unit {
  readonly id: UnitId;
  readonly build: BuildId;
  readonly key: UnitKey;
  readonly target: string;
  /** The project whose hosts build it; absent: that of the build. */
  readonly project?: string;
  /** Only hosts of this architecture are asked. */
  readonly architecture: string;
  /** What is built, normalised (`linux/arm64`). Never empty. */
  readonly platforms: readonly string[];
  /** Those of `platforms` that these hosts build by emulation only: slow, so a user is told. */
  readonly emulated: readonly string[];
  /** Those of `platforms` whose result is an output of the target; the others are built because units here link to them. */
  readonly outputs: readonly string[];
  /** The units whose results it is made with: linked targets, on hosts of the same architecture. */
  readonly needs: readonly UnitId[];
  /** Whether other units need it. */
  readonly isNeeded: boolean;
  /** The same for all units that links join, directly or not: the first of them. */
  readonly group: UnitId;
  /** The same for units whose definition leads to the same steps, whatever build they are of: these likely share work. */
  readonly fingerprint: string;
  /** Whether it is built without cache, so that no host is better than another. */
  readonly noCache: boolean;
}

/** A target whose units run on hosts of several architectures: a manifest list is to be written when all are built. */
export interface Join {
  readonly target: string;
  /** In the order of the target's platforms. */
  readonly units: readonly UnitId[];
}
