import { goQuoted } from '../../go-json.ts';
import { spend } from '../budget.ts';
import { formatNumber } from '../number.ts';
import { CallError } from '../scope.ts';
import type { Value } from '../value.ts';
import { NULL, sortedKeys, text } from '../value.ts';

/** A value as JSON in the way of Go: compact, keys sorted, `<`, `>` and `&` escaped. Throws {@link CallError}. */
export function jsonText(value: Value): string {
  spend(1);
  switch (value.is) {
    case 'null':
      return 'null';
    case 'bool':
      return String(value.value);
    case 'number':
      if (value.value.infinite !== undefined) throw new CallError('an infinite number cannot be written as JSON');
      return formatNumber(value.value);
    case 'string':
      return goQuoted(value.value);
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
