import type { BodySchema } from '../hcl/json-body.ts';

/** How the value of a target's attribute is read (buildx `bake/bake.go`, the `hcl` tags of Target). */
export type AttributeKind = 'string' | 'bool' | 'strings' | 'map' | 'cache' | 'output' | 'attest' | 'secret' | 'ssh';

/** Every attribute of a target, in the order of `--print`; those that are not printed last. */
export const TARGET_ATTRIBUTES = {
  description: 'string',
  annotations: 'strings',
  attest: 'attest',
  context: 'string',
  contexts: 'map',
  dockerfile: 'string',
  'dockerfile-inline': 'string',
  args: 'map',
  labels: 'map',
  tags: 'strings',
  'cache-from': 'cache',
  'cache-to': 'cache',
  target: 'string',
  secret: 'secret',
  ssh: 'ssh',
  platforms: 'strings',
  output: 'output',
  pull: 'bool',
  'no-cache': 'bool',
  network: 'string',
  'no-cache-filter': 'strings',
  'shm-size': 'string',
  ulimits: 'strings',
  call: 'string',
  entitlements: 'strings',
  'extra-hosts': 'map',
  inherits: 'strings',
  project_id: 'string',
} as const satisfies Readonly<Record<string, AttributeKind>>;

export type TargetAttribute = keyof typeof TARGET_ATTRIBUTES;

/** Whether a word names an attribute of targets. */
export function isTargetAttribute(name: string): name is TargetAttribute {
  return NAMES.has(name);
}

const NAMES: ReadonlySet<string> = new Set(Object.keys(TARGET_ATTRIBUTES));

/** What names of targets and groups may be made of. */
export const VALID_NAME = /^[a-zA-Z0-9_-]+$/;

/** What a definition in JSON may hold: four kinds of blocks; everything else at the top is a constant. */
export const DEFINITION_SCHEMA: BodySchema = {
  blocks: new Map([
    ['target', { labelled: true, body: {} }],
    ['group', { labelled: true, body: {} }],
    [
      'variable',
      {
        labelled: true,
        body: { words: new Set(['type']), blocks: new Map([['validation', { labelled: false, body: {} }]]) },
      },
    ],
    ['function', { labelled: true, body: { words: new Set(['params', 'variadic_params']) } }],
  ]),
};
