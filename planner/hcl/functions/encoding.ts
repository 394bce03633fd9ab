import { valueFromJson } from '../from-json.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { text } from '../value.ts';
import { decodeBase64, decodeUtf8 } from './bytes.ts';
import { csvTable } from './csv.ts';
import { anyOrNull, define, nfc, string, textAt, valueAt } from './define.ts';
import { jsonText } from './json-text.ts';

/** Functions that write values as text and back (zclconf/go-cty `function/stdlib`, hashicorp/go-cty-funcs `encoding`). */
export const ENCODING_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  jsonencode: define([anyOrNull('val')], (args) => text(jsonText(valueAt(args, 0)))),
  jsondecode: define([string('str')], (args) => {
    const value = valueFromJson(textAt(args, 0));
    if (value.ok) return value.value;
    throw new CallError(`it is not valid JSON: ${value.failure}`, 0);
  }),
  csvdecode: define([string('str')], (args) => csvTable(textAt(args, 0))),
  base64encode: define([string('str')], (args) => text(Buffer.from(textAt(args, 0)).toString('base64'))),
  base64decode: define([string('str')], (args) => {
    const encoded = textAt(args, 0);
    const bytes = decodeBase64(encoded);
    if (bytes === undefined) throw new CallError(`failed to decode base64 data '${encoded}'`);
    const decoded = decodeUtf8(bytes);
    if (decoded === undefined) throw new CallError('the result of decoding the provided string is not valid UTF-8');
    return nfc(decoded);
  }),
  urlencode: define([string('str')], (args) =>
    text(
      encodeURIComponent(textAt(args, 0).toWellFormed())
        .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
        .replaceAll('%20', '+'),
    ),
  ),
};
