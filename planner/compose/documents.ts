import type { SourceFile } from '../source.ts';
import type { LoadContext } from './context.ts';
import { ComposeError } from './error.ts';
import { interpolateModel } from './interpolate.ts';
import { markedPaths, withoutMarks } from './marks.ts';
import type { MapNode } from './node.ts';
import type { Path } from './path.ts';
import { readYaml } from './yaml.ts';

/** One document of a file, interpolated. */
export interface DocumentModel {
  readonly model: MapNode;
  /** What it takes out of everything that was loaded before. */
  readonly marked: readonly Path[];
}

/** The documents of a file, variables replaced and marks taken note of. Throws {@link ComposeError}. */
export function documentModels(
  file: SourceFile,
  { environment, onUnset }: Pick<LoadContext, 'environment' | 'onUnset'>,
): readonly DocumentModel[] {
  return readYaml(file).map((root) => {
    if (root.is !== 'map') {
      throw new ComposeError({
        reason: 'wrong-type',
        message: 'top-level object must be a mapping',
        hint: 'a Compose file begins with keys such as services:',
        span: root.span,
      });
    }
    const plain = withoutMarks(root);
    const model = interpolateModel(plain, { get: (name) => environment.get(name), onUnset });
    return { model: model.is === 'map' ? model : root, marked: markedPaths(root) };
  });
}
