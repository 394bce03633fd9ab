import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { platformFields, readPlatform } from './descriptor.ts';
import type { GoField, GoValue } from './go-value.ts';
import { GoStruct, GoTexts, GoTime } from './go-value.ts';
import { asText, asTextMap, asTexts, isRecord } from './json-fields.ts';
import type { OciPlatform } from './platform.ts';

/** The config of an image (OCI image spec, config.md). */
export interface ImageConfig {
  readonly platform: OciPlatform;
  /** As Go's programs hold it, for JSON and templates; fields that the specification does not know are not in it. */
  readonly struct: GoStruct;
}

type Json = Readonly<Record<string, unknown>>;

/** Something of another kind than a config has. */
class Unfit extends Error {}

/** Reads a config. Fails with what is wrong with it. */
export function readImageConfig(json: unknown): Result<ImageConfig, string> {
  const platform = readPlatform(json);
  if (platform === undefined || !isRecord(json)) return fail('it is no config of an image');
  try {
    const fields: readonly GoField[] = [
      time(json, 'Created', 'created'),
      text(json, 'Author', 'author'),
      ...platformFields(platform),
      { name: 'Config', json: 'config', value: runConfig(recordIn(json, 'config')) },
      { name: 'RootFS', json: 'rootfs', value: rootFs(recordIn(json, 'rootfs')) },
      { name: 'History', json: 'history', value: history(json['history']), omitEmpty: true },
    ];
    return ok({ platform, struct: new GoStruct('Image', fields) });
  } catch (error) {
    if (error instanceof Unfit) return fail(`it is no config of an image: ${error.message}`);
    throw error;
  }
}

function runConfig(json: Json): GoStruct {
  return new GoStruct('ImageConfig', [
    text(json, 'User', 'User'),
    names(json, 'ExposedPorts'),
    texts(json, 'Env'),
    texts(json, 'Entrypoint'),
    texts(json, 'Cmd'),
    names(json, 'Volumes'),
    text(json, 'WorkingDir', 'WorkingDir'),
    { name: 'Labels', json: 'Labels', value: new GoTexts(must(asTextMap(json['Labels']), 'Labels')), omitEmpty: true },
    text(json, 'StopSignal', 'StopSignal'),
    truth(json, 'ArgsEscaped', 'ArgsEscaped'),
  ]);
}

function rootFs(json: Json): GoStruct {
  const ids =
    json['diff_ids'] === undefined || json['diff_ids'] === null
      ? undefined
      : must(asTexts(json['diff_ids']), 'diff_ids');
  return new GoStruct('RootFS', [
    { ...text(json, 'Type', 'type'), omitEmpty: false },
    { name: 'DiffIDs', json: 'diff_ids', value: ids },
  ]);
}

function history(value: unknown): GoValue {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw new Unfit('history is no list');
  return value.map((one) => {
    const json = isRecord(one) ? one : {};
    return new GoStruct('History', [
      time(json, 'Created', 'created'),
      text(json, 'CreatedBy', 'created_by'),
      text(json, 'Author', 'author'),
      text(json, 'Comment', 'comment'),
      truth(json, 'EmptyLayer', 'empty_layer'),
    ]);
  });
}

function text(json: Json, name: string, key: string): GoField {
  return { name, json: key, value: must(asText(json[key]), key), omitEmpty: true };
}

function texts(json: Json, key: string): GoField {
  return { name: key, json: key, value: must(asTexts(json[key]), key), omitEmpty: true };
}

/** A set, which JSON has as an object of empty objects. */
function names(json: Json, key: string): GoField {
  const set = Object.keys(recordIn(json, key)).map((one) => [one, new GoStruct('struct {}', [])] as const);
  return { name: key, json: key, value: new Map(set), omitEmpty: true };
}

function truth(json: Json, name: string, key: string): GoField {
  const value = json[key] ?? false;
  if (typeof value !== 'boolean') throw new Unfit(`${key} is neither true nor false`);
  return { name, json: key, value, omitEmpty: true };
}

/** A time, written as Go writes it: without zeros at the end of the fraction, `Z` for UTC. */
function time(json: Json, name: string, key: string): GoField {
  const said = must(asText(json[key]), key);
  if (said === '') return { name, json: key, value: undefined, omitEmpty: true };
  const [, seconds, fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(said) ?? [];
  if (seconds === undefined) throw new Unfit(`${key} is no time`);
  const digits = fraction.replace(/0+$/, '');
  const written = `${seconds}${digits === '' ? '' : `.${digits}`}${/^[+-]00:00$/.test(zone) ? 'Z' : zone}`;
  return { name, json: key, value: new GoTime(written), omitEmpty: true };
}

function recordIn(json: Json, key: string): Json {
  const value = json[key] ?? {};
  if (!isRecord(value)) throw new Unfit(`${key} is no JSON object`);
  return value;
}

function must<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw new Unfit(`${key} is of another kind`);
  return value;
}
