import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { HclError } from './error.ts';
import type { JsonNode } from './json-reader.ts';
import { readJson } from './json-reader.ts';
import { parseNumber } from './number.ts';
import type { Value } from './value.ts';
import { bool, NULL, number, object, text, tuple } from './value.ts';

/** The value of a JSON text, with every digit of its numbers. Fails with what is wrong with it. */
export function valueFromJson(source: string): Result<Value, string> {
  try {
    return ok(valueOf(readJson({ name: 'JSON', text: source })));
  } catch (error) {
    if (error instanceof HclError) return fail(error.message);
    throw error;
  }
}

/** Throws {@link HclError}. */
function valueOf(node: JsonNode): Value {
  switch (node.is) {
    case 'null':
      return NULL;
    case 'bool':
      return bool(node.value);
    case 'text':
      return text(normal(node.text));
    case 'number': {
      const value = parseNumber(node.digits);
      if (value !== undefined) return number(value);
      const message = 'one of its numbers is too large';
      throw new HclError({ reason: 'syntax', message, span: node.span });
    }
    case 'array':
      return tuple(node.items.map(valueOf));
    case 'object':
      return object(node.members.map(({ name, value }) => [normal(name.text), valueOf(value)] as const));
  }
}

function normal(value: string): string {
  return value.toWellFormed().normalize('NFC');
}
