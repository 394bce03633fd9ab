import { createHash } from 'node:crypto';
import { valueFromJson } from '../from-json.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { jsonText } from '../to-json.ts';
import { NULL, text } from '../value.ts';
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
