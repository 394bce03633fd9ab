import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

/**
 * Splits one CSV record as Go's `encoding/csv` does: a field is either bare, with no quote in it, or quoted as a whole,
 * with `""` for a quote. Fails with what is wrong.
 */
export function csvFields(record: string): Result<readonly string[], string> {
  const fields: string[] = [];
  for (let at = 0; ;) {
    if (record[at] === '"') {
      const quoted = quotedField(record, at);
      if (quoted === undefined) return fail(`extraneous or missing " in quoted-field`);
      fields.push(quoted.text);
      at = quoted.end;
    } else {
      const comma = record.indexOf(',', at);
      const field = record.slice(at, comma === -1 ? record.length : comma);
      if (field.includes('"')) return fail(`bare " in non-quoted-field`);
      fields.push(field);
      at += field.length;
    }
    if (at >= record.length) return ok(fields);
    at++;
  }
}

function quotedField(record: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  for (let at = start + 1; at < record.length; at++) {
    if (record[at] !== '"') {
      text += record[at];
    } else if (record[at + 1] === '"') {
      text += '"';
      at++;
    } else {
      return record[at + 1] === undefined || record[at + 1] === ',' ? { text, end: at + 1 } : undefined;
    }
  }
  return undefined;
}

/** `key=value` fields; keys trimmed, and lower case unless told otherwise. Fails with what is wrong. */
export function csvPairs(
  record: string,
  { keepCase = false }: { readonly keepCase?: boolean } = {},
): Result<ReadonlyMap<string, string>, string> {
  const fields = csvFields(record);
  if (!fields.ok) return fields;
  const pairs = new Map<string, string>();
  for (const field of fields.value) {
    const equals = field.indexOf('=');
    if (equals === -1) return fail(`invalid value ${field}`);
    const key = field.slice(0, equals).trim();
    pairs.set(keepCase ? key : key.toLowerCase(), field.slice(equals + 1));
  }
  return ok(pairs);
}
