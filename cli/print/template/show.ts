import type { GoValue } from '../../../runtime/oci/go-value.ts';
import { GoStruct, GoTime, sortedEntries } from '../../../runtime/oci/go-value.ts';

/** A struct, which Go prints as a row of values and addresses that nobody can read. */
export class Unprintable extends Error {
  readonly type: string;

  constructor(type: string) {
    super(`${type} has no text of its own`);
    this.type = type;
  }
}

/** A value as Go prints it (`fmt`, `%v`). Throws {@link Unprintable}. */
export function goText(value: GoValue): string {
  if (value === undefined) return '<nil>';
  if (value instanceof GoTime) return goTimeText(value.text);
  if (value instanceof GoStruct) {
    if (value.isNil) return '<nil>';
    throw new Unprintable(value.type);
  }
  if (value instanceof Map)
    return `map[${sortedEntries(value)
      .map(([key, item]) => `${key}:${goText(item)}`)
      .join(' ')}]`;
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  return typeof value === 'number' ? goFloatText(value) : String(value);
}

/** `2026-11-27 04:49:23.5 +0000 UTC`; where a zone has no name, its distance is. */
function goTimeText(text: string): string {
  const [, day = '', time = '', zone = ''] = /^(.*)T([\d:.]*)(.*)$/.exec(text) ?? [];
  const distance = zone.replace(':', '');
  return `${day} ${time} ${zone === 'Z' ? '+0000 UTC' : `${distance} ${distance}`}`;
}

/** A million is `1e+06` to Go. */
const FIRST_EXPONENT = 6;

function goFloatText(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < FIRST_EXPONENT) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
