import { goBool } from '../../planner/options/entries.ts';
import type { Attributes, TypedEntry } from '../../planner/target.ts';

type Environment = ReadonlyMap<string, string>;

/**
 * A cache entry with what it needs of the environment, where the user did not write it: the token and the addresses that
 * GitHub gives its actions (`gha`), keys of AWS (`s3`). Undefined for an entry that is of no use then: `gha` outside of an
 * action (docker/buildx `build/opt.go`, `CreateCaches`). What is added is secret, and goes to the builder alone.
 */
export function withCredentials(entry: TypedEntry, env: Environment): TypedEntry | undefined {
  if (entry.type === 's3') return { ...entry, attrs: { ...awsKeys(entry.attrs, env), ...entry.attrs } };
  if (entry.type !== 'gha') return entry;
  const attrs = { ...githubAccess(entry.attrs, env), ...entry.attrs };
  const isOfUse = filled(attrs.token) && (filled(attrs.url) || filled(attrs.url_v2));
  return isOfUse ? { ...entry, attrs } : undefined;
}

function githubAccess({ version }: Attributes, env: Environment): Record<string, string> {
  const isSecond = version === undefined ? goBool(env.get('ACTIONS_CACHE_SERVICE_V2') ?? '') === true : version === '2';
  const results = env.get('ACTIONS_RESULTS_URL');
  const token = env.get('ACTIONS_RUNTIME_TOKEN');
  const url = env.get('ACTIONS_CACHE_URL') ?? results;
  return {
    ...(token === undefined ? {} : { token }),
    ...(isSecond && results !== undefined ? { url_v2: results } : {}),
    ...(url === undefined ? {} : { url }),
  };
}

/** Both keys from the environment, or none (aws-sdk-go-v2 `config/env_config.go`); both written by the user are complete. */
function awsKeys(attrs: Attributes, env: Environment): Record<string, string> {
  if (attrs.access_key_id !== undefined && attrs.secret_access_key !== undefined) return {};
  const id = env.get('AWS_ACCESS_KEY_ID') || env.get('AWS_ACCESS_KEY');
  const secret = env.get('AWS_SECRET_ACCESS_KEY') || env.get('AWS_SECRET_KEY');
  if (!filled(id) || !filled(secret)) return {};
  const session = env.get('AWS_SESSION_TOKEN');
  return { access_key_id: id, secret_access_key: secret, ...(filled(session) ? { session_token: session } : {}) };
}

function filled(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
