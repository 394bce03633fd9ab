import { createHash } from 'node:crypto';
import { valueFromJson } from '../from-json.ts';
import { formatNumber } from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Value } from '../value.ts';
import { NULL, sortedKeys, text } from '../value.ts';
import { anyOrNull, define, string, textAt } from './define.ts';

const hash = (algorithm: string): HclFunction =>
  define([string('str')], (args) => text(createHash(algorithm).update(textAt(args, 0)).digest('hex')));

/** Functions that write values as text and back, and hashes of text. */
export const ENCODING_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  jsonencode: define([anyOrNull('val')], ([value]) => text(jsonText(value ?? NULL))),
  jsondecode: define([string('str')], (args) => valueFromJson(textAt(args, 0)) ?? notJson()),
  base64encode: define([string('str')], (args) => text(Buffer.from(textAt(args, 0)).toString('base64'))),
  base64decode: define([string('str')], (args) => text(Buffer.from(textAt(args, 0), 'base64').toString('utf8'))),
  urlencode: define([string('str')], (args) =>
    text(
      encodeURIComponent(textAt(args, 0))
        .replace(/[!'()*]/g, percent)
        .replaceAll('%20', '+'),
    ),
  ),
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
};

function notJson(): never {
  throw new CallError('it is not valid JSON', 0);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped. */
function jsonText(value: Value): string {
  switch (value.is) {
    case 'null':
      return 'null';
    case 'bool':
      return String(value.value);
    case 'number':
      return formatNumber(value.value);
    case 'string':
      return JSON.stringify(value.value).replace(
        /[<>&\u2028\u2029]/g,
        (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    case 'tuple':
    case 'list':
    case 'set':
      return `[${value.items.map(jsonText).join(',')}]`;
    case 'object':
    case 'map':
      return `{${sortedKeys(value.entries)
        .map((key) => `${jsonText(text(key))}:${jsonText(value.entries.get(key) ?? NULL)}`)
        .join(',')}}`;
  }
}
