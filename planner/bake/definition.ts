import type { Diagnostic } from '../diagnostic.ts';
import type { Attribute, Block, Body } from '../hcl/ast.ts';
import { VALID_NAME } from './schema.ts';

/** All blocks of a definition by kind and name, in file order, over all files. */
export interface Definition {
  readonly variables: ReadonlyMap<string, Block>;
  readonly functions: ReadonlyMap<string, Block>;
  readonly targets: ReadonlyMap<string, readonly Block[]>;
  /** The last block of a name counts. */
  readonly groups: ReadonlyMap<string, Block>;
  readonly constants: ReadonlyMap<string, Attribute>;
}

const KINDS = new Set(['target', 'group', 'variable', 'function']);

/**
 * Sorts the contents of the files. Blocks and attributes that mean nothing to bake are left alone, as the reference
 * does; a definition for other tools may carry them.
 */
export function collectDefinition(bodies: readonly Body[]): {
  readonly definition: Definition;
  readonly diagnostics: readonly Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const variables = new Map<string, Block>();
  const functions = new Map<string, Block>();
  const targets = new Map<string, Block[]>();
  const groups = new Map<string, Block>();
  const constants = new Map<string, Attribute>();
  for (const body of bodies) {
    for (const attribute of body.attributes.values()) {
      if (!KINDS.has(attribute.name)) constants.set(attribute.name, attribute);
    }
    for (const block of body.blocks) {
      if (!KINDS.has(block.type)) continue;
      const name = labelOf(block, diagnostics);
      if (name === undefined) continue;
      if (block.type === 'variable') variables.set(name, block);
      else if (block.type === 'function') functions.set(name, block);
      else if (block.type === 'group') groups.set(name, block);
      else {
        const known = targets.get(name);
        if (known === undefined) targets.set(name, [block]);
        else known.push(block);
      }
    }
  }
  return { definition: { variables, functions, targets, groups, constants }, diagnostics };
}

function labelOf(block: Block, diagnostics: Diagnostic[]): string | undefined {
  const [label, extra] = block.labels;
  if (label === undefined) {
    diagnostics.push({
      reason: 'missing-name',
      message: `This ${block.type} has no name`,
      hint: `write ${block.type} "name" {`,
      span: block.typeSpan,
    });
    return undefined;
  }
  if (extra !== undefined) {
    diagnostics.push({
      reason: 'extraneous-name',
      message: `A ${block.type} has one name only`,
      hint: `take out ${JSON.stringify(extra.text)}`,
      span: extra.span,
    });
    return undefined;
  }
  if ((block.type === 'target' || block.type === 'group') && !VALID_NAME.test(label.text)) {
    diagnostics.push({
      reason: 'invalid-name',
      message: `${JSON.stringify(label.text)} cannot name a ${block.type}`,
      hint: 'only letters, digits, _ and - are allowed',
      span: label.span,
    });
    return undefined;
  }
  return label.text;
}
