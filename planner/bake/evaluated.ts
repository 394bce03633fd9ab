import type { Diagnostic } from '../diagnostic.ts';
import type { Block } from '../hcl/ast.ts';
import { HclError } from '../hcl/error.ts';
import type { Scope } from '../hcl/scope.ts';
import type { Value } from '../hcl/value.ts';
import type { Span } from '../source.ts';
import { decodeTarget, decodeText, decodeTexts } from './decode.ts';
import type { Definition } from './definition.ts';
import type { Library } from '../hcl/functions/table.ts';
import { Globals } from './globals.ts';
import type { MatrixTarget } from './matrix.ts';
import { expandMatrix } from './matrix.ts';
import type { RawTarget } from './raw-target.ts';
import { mergeTargets, unique } from './raw-target.ts';
import { BlockReferences } from './references.ts';
import { relativeToFile } from './relative-paths.ts';

/** A group as its block says it, or as a matrix makes it. */
export interface RawGroup {
  readonly name: string;
  readonly description?: string;
  /** Undefined: `targets = null`. */
  readonly targets: readonly string[] | undefined;
  readonly span?: Span;
}

/** A definition with every expression evaluated. */
export interface EvaluatedDefinition {
  readonly targets: ReadonlyMap<string, RawTarget>;
  readonly groups: ReadonlyMap<string, RawGroup>;
  readonly globals: Globals;
}

/** Evaluates everything in a definition, asked for or not: a mistake anywhere is a mistake. */
export function evaluateDefinition(
  definition: Definition,
  input: {
    readonly environment: ReadonlyMap<string, string>;
    readonly builtins: ReadonlyMap<string, Value>;
    readonly library: Library;
    /** What relative paths of contexts start from: the working directory, or the folder of the file that says them. */
    readonly paths: 'working-directory' | 'file';
  },
): { readonly evaluated: EvaluatedDefinition; readonly diagnostics: readonly Diagnostic[] } {
  const made = new Map<string, MatrixTarget[]>();
  const references = new BlockReferences({
    find: (kind, name) => {
      const last = made.get(name)?.at(-1);
      const group = definition.groups.get(name);
      if (kind === 'group') return group === undefined ? undefined : { block: group, scope: () => globals.scope };
      return last === undefined ? undefined : { block: last.block, scope: () => inside(globals.scope, last) };
    },
    names: (kind) => (kind === 'group' ? definition.groups.keys() : made.keys()),
  });
  const globals = new Globals({ definition, ...input, blockAttribute: (expression) => references.value(expression) });
  const diagnostics: Diagnostic[] = [];
  const matrixGroups = new Map<string, RawGroup>();

  for (const [label, blocks] of definition.targets) {
    for (const block of blocks) expandBlock(label, block, globals.scope, { made, matrixGroups, diagnostics });
  }
  diagnostics.push(...globals.check());
  const targets = new Map<string, RawTarget>();
  for (const [name, each] of made) {
    if (diagnostics.length > MAX_DIAGNOSTICS) break;
    for (const one of each) {
      const decoded = decodeTarget(name, one.block, inside(globals.scope, one));
      diagnostics.push(...decoded.diagnostics);
      const earlier = targets.get(name);
      const placed = input.paths === 'file' ? relativeToFile(decoded.target, one.block) : decoded.target;
      targets.set(name, earlier === undefined ? placed : mergeTargets(earlier, placed));
    }
  }
  const groups = new Map(matrixGroups);
  for (const [name, block] of definition.groups) {
    const group = caught(() => decodeGroup(name, block, globals.scope), diagnostics);
    if (group !== undefined) groups.set(name, group);
  }
  return { evaluated: { targets, groups, globals }, diagnostics: distinct(diagnostics) };
}

/** Nobody reads more at once, and each costs a search for what may have been meant. */
const MAX_DIAGNOSTICS = 100;

function inside(scope: Scope, target: MatrixTarget): Scope {
  return target.axes.size === 0 ? scope : scope.with(target.axes);
}

function expandBlock(
  label: string,
  block: Block,
  scope: Scope,
  into: {
    readonly made: Map<string, MatrixTarget[]>;
    readonly matrixGroups: Map<string, RawGroup>;
    readonly diagnostics: Diagnostic[];
  },
): void {
  const expanded = caught(() => expandMatrix(label, block, scope), into.diagnostics) ?? [];
  for (const one of expanded) {
    const made = into.made.get(one.name);
    if (made === undefined) into.made.set(one.name, [one]);
    else made.push(one);
  }
  const names = expanded.map((one) => one.name);
  const isPlain = names.length === 1 && names[0] === label;
  if (!block.body.attributes.has('matrix') || isPlain || names.length === 0) return;
  const known = into.matrixGroups.get(label)?.targets ?? [];
  into.matrixGroups.set(label, { name: label, targets: unique([...known, ...names]), span: block.headerSpan });
}

/** Throws {@link HclError}. */
function decodeGroup(name: string, block: Block, scope: Scope): RawGroup {
  const matrix = block.body.attributes.get('matrix');
  if (matrix !== undefined) {
    throw new HclError({
      reason: 'invalid-matrix',
      message: 'A group cannot have a matrix',
      hint: 'give the matrix to a target',
      span: matrix.nameSpan,
    });
  }
  const targets = block.body.attributes.get('targets');
  if (targets === undefined) {
    throw new HclError({
      reason: 'missing-attribute',
      message: `The group ${JSON.stringify(name)} has no targets`,
      hint: 'write targets = ["name"]',
      span: block.headerSpan,
    });
  }
  const description = block.body.attributes.get('description');
  return {
    name,
    ...(description === undefined ? {} : { description: decodeText(description, scope) ?? '' }),
    targets: decodeTexts(targets, scope),
    span: targets.expression.span,
  };
}

function caught<T>(work: () => T, diagnostics: Diagnostic[]): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    diagnostics.push(...error.diagnostics);
    return undefined;
  }
}

function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [
    ...new Map(diagnostics.map((one) => [`${one.message}@${one.span?.file.name}:${one.span?.start}`, one])).values(),
  ];
}
