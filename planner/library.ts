/**
 * The planner for other programs (editors, CI tools): definitions in, plans and mistakes out. See README.md. Nothing here
 * touches files, processes or the network; what it may read comes through a {@link FileSystemPort}.
 */
export { listDefinition } from './bake/list.ts';
export type { DefinitionList, ListedTarget, ListedVariable } from './bake/list.ts';
export { printPlan } from './bake/print.ts';
export type { DefinitionInput } from './bake/read.ts';
export type { Diagnostic, RelatedPlace } from './diagnostic.ts';
export type { FileSystemPort } from './host.ts';
export { planBake } from './plan.ts';
export type { BakeInput, Planned } from './plan.ts';
export type { Result } from './result.ts';
export { lineAt, positionAt } from './source.ts';
export type { Position, SourceFile, Span } from './source.ts';
export type { Group, Plan, Target } from './target.ts';
