import type { Diagnostic } from '../diagnostic.ts';
import type { Body } from '../hcl/ast.ts';
import { didYouMean, nearestName } from '../hcl/suggest.ts';
import { TARGET_ATTRIBUTES } from './schema.ts';

const TARGET_NAMES = [...Object.keys(TARGET_ATTRIBUTES), 'matrix', 'name'];

/** What blocks may hold; the rest is passed over. */
const ATTRIBUTES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['target', new Set(TARGET_NAMES)],
  ['group', new Set(['targets', 'description', 'name', 'matrix'])],
  ['variable', new Set(['default', 'type', 'description'])],
]);
const KINDS = ['target', 'group', 'variable', 'function'];

/**
 * What is written but has no effect: attributes that bake does not know, blocks with the name of an attribute, misspelt
 * kinds of blocks. The reference passes over them in silence; a definition may hold blocks for other tools, so of those
 * only what looks like a slip is told.
 */
export function ineffective(body: Body): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const block of body.blocks) {
    const known = ATTRIBUTES.get(block.type);
    if (known === undefined) {
      const near = KINDS.includes(block.type) ? undefined : nearestName(block.type, KINDS);
      if (near !== undefined) {
        const message = `The block ${block.type} means nothing to bake`;
        found.push({ reason: 'ineffective', message, hint: `did you mean ${near}?`, span: block.typeSpan });
      }
      continue;
    }
    for (const attribute of block.body.attributes.values()) {
      if (known.has(attribute.name)) continue;
      found.push({
        reason: 'ineffective',
        message: `A ${block.type} has no attribute ${JSON.stringify(attribute.name)}; it is passed over`,
        hint: didYouMean(attribute.name, known, 'take it out'),
        span: attribute.nameSpan,
      });
    }
    for (const inner of block.body.blocks) {
      if (block.type === 'variable' && inner.type === 'validation') continue;
      const hint = known.has(inner.type)
        ? `write ${inner.type} = ${inner.type === 'tags' ? '[ ... ]' : '{ ... }'} with an equals sign`
        : didYouMean(inner.type, known, 'take it out');
      const message = `A ${block.type} holds no block ${JSON.stringify(inner.type)}; it is passed over`;
      found.push({ reason: 'ineffective', message, hint, span: inner.typeSpan });
    }
  }
  return found;
}
