import type { Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';

/** Thrown where a target waits for one it links to and that one did not get built. */
export class LinkBroken extends Error {
  /** The target that failed first; the reason for every target skipped behind it. */
  readonly because: string;

  constructor(because: string) {
    super(`target "${because}" was not built`);
    this.name = 'LinkBroken';
    this.because = because;
  }
}

/**
 * Where linked targets wait for each other (docker/buildx `build/build.go`, linked targets).
 *
 *   parent   registered ──► (children registered) ──► evaluated ──────────────► (children completed) ──► completed
 *   child    registered ──────────────────────────► (parents evaluated) ──► evaluated ──► completed
 *
 * A parent's job must live until its children have evaluated: they run steps of its graph, and its folders are served
 * by its session. A failed target settles everything that others wait for: its children are skipped, its parents go on.
 */
export class Links {
  readonly #targets = new Map<string, LinkState>();
  readonly #parents: ReadonlyMap<string, readonly string[]>;
  readonly #children: ReadonlyMap<string, readonly string[]>;

  /** `parents`: for every target the names of those it links to. */
  constructor(parents: ReadonlyMap<string, readonly string[]>) {
    this.#parents = parents;
    const children = new Map<string, string[]>();
    for (const [name, links] of parents) {
      this.#targets.set(name, new LinkState());
      for (const link of links) children.set(link, [...(children.get(link) ?? []), name]);
    }
    this.#children = children;
  }

  /** What the frontend made of a target, once it is known. Throws {@link LinkBroken} when the target failed. */
  result(target: string): Promise<FrontendResult> {
    return this.#state(target).registered.promise;
  }

  /**
   * Takes a target from its frontend result to the moment when its job may end. `evaluate` runs its steps; it is not
   * called for a target without links, whose steps run with its export. Throws {@link LinkBroken} when a parent failed.
   */
  async run(target: string, result: FrontendResult, evaluate: () => Promise<void>): Promise<void> {
    const own = this.#state(target);
    const parents = (this.#parents.get(target) ?? []).map((name) => this.#state(name));
    const children = (this.#children.get(target) ?? []).map((name) => this.#state(name));
    own.registered.resolve(result);
    await Promise.allSettled(children.map((child) => child.registered.promise));
    await Promise.all(parents.map((parent) => parent.evaluated.promise));
    if (parents.length + children.length > 0) await evaluate();
    own.evaluated.resolve();
    await Promise.allSettled(children.map((child) => child.completed.promise));
    own.completed.resolve();
  }

  /** Whether a target is made from others, or others from it. */
  isLinked(target: string): boolean {
    return (this.#parents.get(target) ?? []).length > 0 || this.#children.has(target);
  }

  /** Tells everyone who waits for this target that it will not be built, because of `because` (itself or a parent). */
  broken(target: string, because: string): void {
    this.#state(target).reject(new LinkBroken(because));
  }

  #state(target: string): LinkState {
    const state = this.#targets.get(target);
    if (!state) throw new Error(`no target "${target}" among the links`);
    return state;
  }
}

class LinkState {
  readonly registered = Promise.withResolvers<FrontendResult>();
  readonly evaluated = Promise.withResolvers<void>();
  readonly completed = Promise.withResolvers<void>();

  constructor() {
    for (const { promise } of [this.registered, this.evaluated, this.completed]) promise.catch(nobodyWaits);
  }

  reject(reason: LinkBroken): void {
    this.registered.reject(reason);
    this.evaluated.reject(reason);
    this.completed.reject(reason);
  }
}

/** A target that nobody waits for may fail; whoever waits has handlers of their own. */
function nobodyWaits(): void {}
