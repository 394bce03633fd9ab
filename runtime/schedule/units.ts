import { linkedTargets } from '../../planner/graph.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Plan, Target } from '../../planner/target.ts';
import { formatPlatform, parsePlatform } from '../buildkit/platform.ts';
import { targetFingerprint } from './fingerprint.ts';
import type { BuildId, Join, Unit, UnitId, UnitKey } from './unit.ts';

/** What hosts of one architecture can build, whether any is running or not. Platforms are normalised. */
export interface HostKind {
  readonly architecture: string;
  readonly native: readonly string[];
  readonly emulated: readonly string[];
}

export interface UnitOptions {
  readonly build: BuildId;
  /** In the order of preference. */
  readonly kinds: readonly HostKind[];
  /** Whether a platform that no kind of host builds natively may be emulated. */
  readonly allowEmulation: boolean;
  /** What a target without platforms is built for (`linux/amd64`). */
  readonly defaultPlatform: string;
}

/** The units of a plan, every one behind those it needs. */
export interface PlannedUnits {
  readonly units: readonly Unit[];
  readonly joins: readonly Join[];
}

/** A platform that no kind of host builds. `user` is the target that links to it, where that is why it is wanted there. */
export interface NoHostFor {
  readonly target: string;
  readonly platform: string;
  /** Whether allowing emulation would help. */
  readonly canEmulate: boolean;
  readonly user?: string;
  /** The architecture of the hosts that the user is built on. */
  readonly architecture?: string;
}

/**
 * Splits the targets of a plan into units, one for each architecture that needs a host of its own. One kind of host that
 * builds all platforms of a target natively gets them all; else each platform goes to the first kind that builds it
 * natively, or by emulation where that is allowed and there is no other way. Linked targets follow those that use them: a
 * target that is built for one platform and used on another architecture becomes a unit without outputs there. Fails
 * with every platform that cannot be had.
 */
export function toUnits(plan: Plan, options: UnitOptions): Result<PlannedUnits, readonly NoHostFor[]> {
  const drafts = new Drafts(plan, options);
  for (const target of plan.targets) drafts.addOwn(target);
  const order = linkOrder(plan.targets);
  for (const target of [...order].reverse()) drafts.addLinksOf(target);
  if (drafts.refused.length > 0) return fail(drafts.refused);
  return ok(drafts.finish(order));
}

interface Draft {
  readonly target: Target;
  readonly project: string | undefined;
  readonly kind: HostKind;
  readonly platforms: Set<string>;
  readonly outputs: Set<string>;
}

class Drafts {
  readonly refused: NoHostFor[] = [];
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #options: UnitOptions;
  readonly #fallback;
  /** By target, then by the hosts they go to. */
  readonly #drafts = new Map<string, Map<string, Draft>>();

  constructor({ targets }: Plan, options: UnitOptions) {
    this.#targets = new Map(targets.map((target) => [target.name, target]));
    this.#options = options;
    this.#fallback = parsePlatform(options.defaultPlatform, { os: 'linux', architecture: 'amd64', variant: '' });
  }

  /** The units that a target has for its own sake. */
  addOwn(target: Target): void {
    const platforms = this.#platforms(target);
    const { kinds, allowEmulation } = this.#options;
    const all = kinds.find(({ native }) => platforms.every((platform) => native.includes(platform)));
    for (const platform of platforms) {
      const kind =
        all ??
        kinds.find(({ native }) => native.includes(platform)) ??
        (allowEmulation ? kinds.find(({ emulated }) => emulated.includes(platform)) : undefined);
      if (kind === undefined) {
        const canEmulate = kinds.some(({ emulated }) => emulated.includes(platform));
        this.refused.push({ target: target.name, platform, canEmulate });
        continue;
      }
      const draft = this.#draft(target, target.projectId, kind);
      draft.platforms.add(platform);
      draft.outputs.add(platform);
    }
  }

  /** What the units of a target need where they are; called for a target after all that use it. */
  addLinksOf(user: Target): void {
    for (const { project, kind, platforms } of this.#drafts.get(user.name)?.values() ?? []) {
      for (const link of linkedTargets(user)) {
        const provider = this.#targets.get(link);
        if (provider === undefined) continue;
        for (const platform of this.#linkedPlatforms(provider, platforms)) {
          const canEmulate = kind.emulated.includes(platform);
          if (kind.native.includes(platform) || (this.#options.allowEmulation && canEmulate)) {
            this.#draft(provider, project, kind).platforms.add(platform);
          } else {
            const { architecture } = kind;
            this.refused.push({ target: link, platform, canEmulate, user: user.name, architecture });
          }
        }
      }
    }
  }

  finish(order: readonly Target[]): PlannedUnits {
    const units: Omit<Unit, 'group' | 'isNeeded'>[] = [];
    const fingerprints = new Map<string, string>();
    const joins: Join[] = [];
    const groups = new Groups();
    for (const target of order) {
      const own: Omit<Unit, 'group' | 'isNeeded'>[] = [];
      for (const [place, draft] of this.#drafts.get(target.name) ?? []) {
        const links = linkedTargets(target).filter((link) => this.#drafts.get(link)?.has(place) === true);
        const linked = links.map((link) => [`target:${link}`, fingerprints.get(`${link} ${place}`) ?? ''] as const);
        const fingerprint = targetFingerprint(target, [...draft.platforms].sort(), new Map(linked));
        fingerprints.set(`${target.name} ${place}`, fingerprint);
        const id = this.#id(target.name, draft);
        const needs = links.map((link) => this.#id(link, draft));
        groups.add(id, needs);
        own.push({ ...this.#unit(draft), id, needs, fingerprint });
      }
      units.push(...own);
      const joined = own.filter(({ outputs }) => outputs.length > 0);
      if (joined.length > 1) joins.push({ target: target.name, units: joined.map(({ id }) => id) });
    }
    const needed = new Set(units.flatMap(({ needs }) => needs));
    const finished = units.map((unit) => ({ ...unit, group: groups.of(unit.id), isNeeded: needed.has(unit.id) }));
    return { units: finished, joins };
  }

  #unit({
    target,
    project,
    kind,
    platforms,
    outputs,
  }: Draft): Omit<Unit, 'id' | 'needs' | 'isNeeded' | 'group' | 'fingerprint'> {
    return {
      build: this.#options.build,
      key: `${target.name}@${kind.architecture}` as UnitKey,
      target: target.name,
      ...(project === undefined ? {} : { project }),
      architecture: kind.architecture,
      platforms: [...platforms],
      emulated: [...platforms].filter((platform) => !kind.native.includes(platform)),
      outputs: [...outputs],
      noCache: target.noCache === true,
    };
  }

  #draft(target: Target, project: string | undefined, kind: HostKind): Draft {
    const drafts = this.#drafts.get(target.name) ?? new Map<string, Draft>();
    this.#drafts.set(target.name, drafts);
    const place = `${kind.architecture} ${project ?? ''}`;
    const draft = drafts.get(place) ?? { target, project, kind, platforms: new Set(), outputs: new Set() };
    drafts.set(place, draft);
    return draft;
  }

  #id(target: string, { kind, project }: Draft): UnitId {
    const of = project === undefined ? '' : `${project}/`;
    return `${this.#options.build}/${of}${target}@${kind.architecture}` as UnitId;
  }

  #platforms(target: Target): readonly string[] {
    const asked = target.platforms.length === 0 ? [''] : target.platforms;
    return [...new Set(asked.map((text) => formatPlatform(parsePlatform(text, this.#fallback))))];
  }

  /**
   * What of a linked target is used by a unit for these platforms: the same platforms, or the only one that it has
   * (buildkit `frontend/dockerui/namedcontext.go`: a context without a platform serves all).
   */
  #linkedPlatforms(provider: Target, platforms: ReadonlySet<string>): readonly string[] {
    const all = this.#platforms(provider);
    const same = all.filter((platform) => platforms.has(platform));
    return all.length === 1 || same.length === 0 ? all : same;
  }
}

/** Targets that links join, as a forest whose roots are the groups. */
class Groups {
  readonly #parents = new Map<UnitId, UnitId>();

  add(id: UnitId, needs: readonly UnitId[]): void {
    this.#parents.set(id, id);
    for (const need of needs) {
      const [one, other] = [this.of(need), this.of(id)];
      if (one !== other) this.#parents.set(other, one);
    }
  }

  of(id: UnitId): UnitId {
    let root = id;
    for (let next = this.#parents.get(root); next !== undefined && next !== root; next = this.#parents.get(root)) {
      root = next;
    }
    this.#parents.set(id, root);
    return root;
  }
}

/** The targets, every one behind those it links to. A plan has no circles (`planner/graph.ts`). */
function linkOrder(targets: readonly Target[]): readonly Target[] {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const order = new Set<Target>();
  for (const start of targets) {
    const stack = [{ target: start, links: linkedTargets(start), at: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const link = top.links[top.at++];
      const next = link === undefined ? undefined : byName.get(link);
      if (link === undefined) {
        order.add(top.target);
        stack.pop();
      } else if (next !== undefined && !order.has(next)) {
        stack.push({ target: next, links: linkedTargets(next), at: 0 });
      }
    }
  }
  return [...order];
}
