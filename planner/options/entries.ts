import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { AttestEntry, Attributes, SecretEntry, SshEntry, TypedEntry } from '../target.ts';
import { csvFields, csvPairs } from './csv.ts';

/** What a structured element was written as: a text in CSV form, or the pairs of an object. */
export type RawEntry = string | ReadonlyMap<string, string>;

type Parsed<T> = Result<T, string>;

/**
 * A cache source or destination (buildx `util/buildflags/cache.go`). A text without `=` is a list of references to
 * registries.
 */
export function cacheEntries(raw: RawEntry): Parsed<readonly TypedEntry[]> {
  if (typeof raw === 'string' && !raw.includes('=')) {
    const fields = csvFields(raw);
    if (!fields.ok) return fields;
    return ok(fields.value.filter((ref) => ref !== '').map((ref) => ({ type: 'registry', attrs: { ref } })));
  }
  const pairs = typeof raw === 'string' ? csvPairs(raw) : ok(raw);
  if (!pairs.ok) return pairs;
  const { type, attrs } = typed(pairs.value);
  if (type === '')
    return fail(`type required for ${JSON.stringify(typeof raw === 'string' ? raw : Object.fromEntries(raw))}`);
  return ok([{ type, attrs }]);
}

/** An output (buildx `util/buildflags/export.go`). A single field that is no type is a destination. */
export function outputEntry(raw: RawEntry): Parsed<TypedEntry> {
  if (typeof raw === 'string') {
    const fields = csvFields(raw);
    if (!fields.ok) return fields;
    const [only] = fields.value;
    if (fields.value.length === 1 && only !== undefined && !only.startsWith('type=')) {
      return ok(only === '-' ? { type: 'tar', attrs: { dest: '-' } } : { type: 'local', attrs: { dest: only } });
    }
  }
  const pairs = typeof raw === 'string' ? csvPairs(raw) : ok(raw);
  if (!pairs.ok) return pairs;
  const { type, attrs } = typed(pairs.value);
  if (type === '') return fail('type is required for output');
  return ok({ type, attrs });
}

function typed(pairs: ReadonlyMap<string, string>): TypedEntry {
  const attrs = Object.fromEntries([...pairs].filter(([key]) => key !== 'type'));
  return { type: pairs.get('type') ?? '', attrs };
}

/** An attestation (buildx `util/buildflags/attests.go`). Keys keep their case. */
export function attestEntry(raw: RawEntry): Parsed<AttestEntry> {
  const pairs = typeof raw === 'string' ? csvPairs(raw, { keepCase: true }) : ok(raw);
  if (!pairs.ok) return pairs;
  const named = [...pairs.value].map(([key, value]) => [
    /^(?:type|disabled)$/i.test(key) ? key.toLowerCase() : key,
    value,
  ]);
  const { type, disabled: off, ...attrs }: Readonly<Record<string, string>> = Object.fromEntries(named);
  if (type === undefined || type === '') return fail('attestation type not specified');
  const disabled = off === undefined ? false : goBool(off);
  if (disabled === undefined) return fail(`invalid value ${JSON.stringify(off)} for "disabled"`);
  return ok({ type, attrs, disabled });
}

/** `--sbom=VALUE` and the like as an entry of `attest`: a boolean, or the fields behind the type. */
export function attestText(type: 'provenance' | 'sbom', value: string): string {
  const wanted = goBool(value);
  if (wanted === undefined) return `type=${type},${value}`;
  return wanted ? `type=${type}` : `type=${type},disabled=true`;
}

/** A secret (buildx `util/buildflags/secrets.go`). With `type=env`, `src` is the variable's name. */
export function secretEntry(raw: RawEntry): Parsed<SecretEntry> {
  const pairs = typeof raw === 'string' ? csvPairs(raw) : ok(raw);
  if (!pairs.ok) return pairs;
  let [id, src, env, type] = ['', '', '', ''];
  for (const [key, value] of pairs.value) {
    if (key === 'id') id = value;
    else if (key === 'src' || key === 'source') src = value;
    else if (key === 'env') env = value;
    else if (key !== 'type') return fail(`unexpected key '${key}' in '${key}=${value}'`);
    else if (value !== 'file' && value !== 'env') return fail(`unsupported secret type ${JSON.stringify(value)}`);
    else type = value;
  }
  if (type === 'env' && env === '' && typeof raw === 'string') [env, src] = [src, ''];
  return ok({ id, ...(src === '' ? {} : { src }), ...(env === '' ? {} : { env }) });
}

/** A forwarded ssh agent or key (buildx `util/buildflags/ssh.go`): `default`, `id=path[,path]`. */
export function sshEntry(raw: RawEntry): Parsed<SshEntry> {
  if (typeof raw !== 'string') {
    const paths = raw.get('paths') ?? '';
    return ok({ id: raw.get('id') ?? '', paths: paths === '' ? [] : paths.split(',') });
  }
  const equals = raw.indexOf('=');
  if (equals === -1) return ok({ id: raw, paths: [] });
  return ok({ id: raw.slice(0, equals), paths: raw.slice(equals + 1).split(',') });
}

/** Go's `strconv.ParseBool`; undefined for anything else. */
export function goBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  return undefined;
}

/** Whether two entries say the same. */
export function sameEntry(a: TypedEntry, b: TypedEntry): boolean {
  return a.type === b.type && sameAttributes(a.attrs, b.attrs);
}

function sameAttributes(a: Attributes, b: Attributes): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
