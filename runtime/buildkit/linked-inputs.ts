import type { Result } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { Definition } from './definition.ts';
import { EMPTY_TREE } from './definition.ts';

/** What a linked target adds to the frontend request of the target that uses it. */
export interface LinkedInputs {
  readonly attrs: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, Definition>>;
}

const CONFIG_KEY = 'containerimage.config';

/**
 * Hands the result of one build to another as the named context `contextName` (docker/buildx `build/build.go`,
 * moby/buildkit `frontend/dockerui/namedcontext.go`). A result for several platforms becomes one context for each; an
 * absent reference is an empty image.
 */
export function linkedInputs(contextName: string, parent: string, result: Result): LinkedInputs {
  const key = `0-${parent}`;
  switch (result.result.case) {
    case 'refs': {
      const attrs: Record<string, string> = {};
      const inputs: Record<string, Definition> = {};
      for (const [platform, ref] of Object.entries(result.result.value.refs)) {
        const one = input(`${key}::${platform}`, result.metadata[`${CONFIG_KEY}/${platform}`]);
        Object.assign(attrs, one, { [`context:${contextName}::${platform}`]: `input:${key}::${platform}` });
        inputs[`${key}::${platform}`] = ref.def ?? EMPTY_TREE;
      }
      return { attrs, inputs };
    }
    case 'ref':
      return {
        attrs: { ...input(key, result.metadata[CONFIG_KEY]), [`context:${contextName}`]: `input:${key}` },
        inputs: { [key]: result.result.value.def ?? EMPTY_TREE },
      };
    default:
      return { attrs: { [`context:${contextName}`]: `input:${key}` }, inputs: { [key]: EMPTY_TREE } };
  }
}

/** The ids of everything a result refers to, for evaluating it. */
export function refIds(result: Result): readonly string[] {
  switch (result.result.case) {
    case 'ref':
      return result.result.value.id === '' ? [] : [result.result.value.id];
    case 'refs':
      return Object.values(result.result.value.refs).flatMap((ref) => (ref.id === '' ? [] : [ref.id]));
    case 'refDeprecated':
      return result.result.value === '' ? [] : [result.result.value];
    case 'refsDeprecated':
      return Object.values(result.result.value.refs).filter((id) => id !== '');
    default:
      return [];
  }
}

function input(key: string, config: Uint8Array | undefined): Readonly<Record<string, string>> {
  if (config === undefined) return {};
  return { [`input-metadata:${key}`]: JSON.stringify({ [CONFIG_KEY]: Buffer.from(config).toString('base64') }) };
}
