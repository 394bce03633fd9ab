import { expect, test } from 'vitest';
import { noAnswer, refusal } from '../../../runtime/registry/registry-error.ts';

test('what a registry says is no line of ours', () => {
  const body = JSON.stringify({
    errors: [{ code: 'X\r\nERROR: a', message: 'no way\n \nERROR: fake\u2028ERROR: more' }],
  });
  const { message } = refusal('r.example', 'reading a:1', { status: 404, body, retryAfter: undefined });
  expect(message).toBe('r.example: reading a:1: status 404 Not Found: X ERROR: a: no way ERROR: fake ERROR: more');
  expect(noAnswer('r.example', 'reading a:1', new Error('one\ntwo')).message).toBe('r.example: reading a:1: one two');
});
