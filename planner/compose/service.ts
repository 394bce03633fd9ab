import type { Span } from '../source.ts';
import type { Node } from './node.ts';

/** A build secret as a service refers to it. */
export interface SecretUse {
  readonly source: string;
  readonly target: string;
  readonly span: Span;
}

/** A limit: one number, or a soft and a hard one. */
export type Ulimit =
  | { readonly name: string; readonly single: bigint }
  | { readonly name: string; readonly single?: undefined; readonly soft: bigint; readonly hard: bigint };

/** A `build` section, read. Empty and absent texts are told apart only where they mean different things. */
export interface BuildSection {
  readonly span: Span;
  /** Where each key is written. */
  readonly places: ReadonlyMap<string, Span>;
  readonly context: string;
  /** Undefined when nothing is said. */
  readonly dockerfile: string | undefined;
  readonly dockerfileInline: string;
  /** Null: taken from the environment. */
  readonly args: ReadonlyMap<string, string | null>;
  readonly labels: ReadonlyMap<string, string>;
  readonly contexts: ReadonlyMap<string, string>;
  readonly target: string;
  readonly network: string;
  readonly tags: readonly string[];
  readonly platforms: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly entitlements: readonly string[];
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly privileged: boolean;
  /** 0 when nothing is said. */
  readonly shmBytes: number;
  readonly ulimits: readonly Ulimit[];
  readonly extraHosts: ReadonlyMap<string, readonly string[]>;
  readonly secrets: readonly SecretUse[];
  readonly ssh: readonly { readonly id: string; readonly path: string }[];
  readonly provenance: string;
  readonly sbom: string;
  readonly xBake: Node | undefined;
  readonly xDepot: Node | undefined;
}

/** A service that another one needs. */
export interface Dependency {
  readonly name: string;
  readonly required: boolean;
  readonly span: Span;
}

/** A service, as far as building goes. */
export interface ComposeService {
  readonly name: string;
  readonly span: Span;
  readonly image: string;
  readonly platform: string;
  readonly build: BuildSection | undefined;
  /** Values of `environment`; null: taken from the environment. */
  readonly environment: ReadonlyMap<string, string | null>;
  readonly envFiles: readonly EnvFileUse[];
  readonly profiles: readonly string[];
  readonly dependsOn: readonly Dependency[];
  /** The whole service, for what is only checked. */
  readonly node: Node;
}

/** An `env_file` entry. */
export interface EnvFileUse {
  readonly path: string;
  readonly required: boolean;
  readonly format: string;
  readonly span: Span;
}

/** A top-level secret. */
export interface ComposeSecret {
  readonly file: string;
  readonly environment: string;
  readonly external: boolean;
  readonly span: Span;
}

/** Everything that was read of the files. */
export interface ComposeModel {
  readonly services: ReadonlyMap<string, ComposeService>;
  readonly secrets: ReadonlyMap<string, ComposeSecret>;
}
