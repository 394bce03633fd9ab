import type { Diagnostic } from '../diagnostic.ts';
import type { SourceFile } from '../source.ts';
import { canonical } from './canonical.ts';
import type { LoadContext } from './context.ts';
import { documentModels } from './documents.ts';
import { ComposeError } from './error.ts';
import { withExtends } from './extends.ts';
import type { IncludedFile, LoadIncluded } from './include.ts';
import { IncludeTally, withIncludes } from './include.ts';
import { withoutPaths } from './marks.ts';
import { mergeModels } from './merge.ts';
import type { MapNode } from './node.ts';
import { entriesOf, map, scalar, withEntries } from './node.ts';
import { withResolvedPaths } from './resolve-paths.ts';
import { COMPOSE_SCHEMA } from './schema.ts';
import { mountProblems, resourceProblems } from './resources.ts';
import { withoutRepeats } from './unique.ts';
import { schemaProblems } from './validate.ts';

/**
 * Files merged into one model in long form, its paths resolved (compose-go v2.9 `loader/loader.go`). In mode `compose`
 * every file is checked against the schema as soon as it is merged. Throws {@link ComposeError}.
 */
export function loadModel(files: readonly IncludedFile[], context: LoadContext): MapNode {
  return loadFiles({ files, context, relativeDir: context.dir, including: { chain: [], tally: new IncludeTally() } });
}

const loadFiles: LoadIncluded = ({ files, context, relativeDir, including }) => {
  const start = files[0]?.file ?? { name: '', text: '' };
  let model = map([], { file: start, start: 0, end: 0 });
  for (const { path, file } of files) {
    for (const document of documentModels(file, context)) {
      const extended = withExtends(document.model, file.name, document.marked, context);
      const kept = withoutPaths(model, document.marked);
      const chain = [...including.chain, path];
      const included = withIncludes(extended, context, { ...including, chain }, loadFiles);
      const merged = withoutRepeats(mergeModels(kept, included));
      model = withoutRepeats(canonical(context.mode === 'compose' ? checked(merged, file, context) : merged));
    }
  }
  const complete = withDefaults(model);
  complain(mountProblems(complete));
  if (context.mode === 'compose') complain(resourceProblems(complete));
  return withResolvedPaths(complete, relativeDir, context);
};

function checked(model: MapNode, file: SourceFile, context: LoadContext): MapNode {
  complain(schemaProblems(model, COMPOSE_SCHEMA));
  if (!model.entries.has('version')) return model;
  context.warn(
    `${file.name}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
  );
  return withEntries(model, [['version', undefined]]);
}

/** Throws the problems, if there are any. */
export function complain(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) throw new ComposeError(diagnostics);
}

/** A build section that names no context means its own folder. */
function withDefaults(model: MapNode): MapNode {
  const services = model.entries.get('services');
  if (services?.value.is !== 'map') return model;
  const changes = entriesOf(services.value).flatMap(([name, entry]) => {
    const build = entry.value.is === 'map' ? entry.value.entries.get('build') : undefined;
    if (entry.value.is !== 'map' || build?.value.is !== 'map' || build.value.entries.has('context')) return [];
    const context = { key: build.key, value: scalar('.', build.key) };
    const withContext = withEntries(build.value, [['context', context]]);
    const service = withEntries(entry.value, [['build', { ...build, value: withContext }]]);
    return [[name, { ...entry, value: service }] as const];
  });
  return withEntries(model, [['services', { ...services, value: withEntries(services.value, changes) }]]);
}
