import { describe, expect, test } from 'vitest';
import type { ComposeTargets } from '../../../planner/compose/bake-targets.ts';
import { composeTargets } from '../../../planner/compose/bake-targets.ts';
import type { Diagnostic } from '../../../planner/diagnostic.ts';
import type { Result } from '../../../planner/result.ts';
import { positionAt } from '../../../planner/source.ts';

function read(extension: string): Result<ComposeTargets, readonly Diagnostic[]> {
  const text = `services:\n  a:\n    build:\n      context: .\n      x-bake: ${extension}\n`;
  return composeTargets({
    files: [{ name: 'compose.yaml', text }],
    environment: new Map(),
    fs: { readText: () => undefined, kind: () => undefined },
    homeDir: '/home/me',
    isPrinted: false,
    isFileRelative: false,
  });
}

function told(found: readonly Diagnostic[]): readonly string[] {
  return found.map(({ message, hint, span }) => {
    const { line, column } = positionAt(span?.file.text ?? '', span?.start ?? 0);
    return `${line}:${column} ${message}; ${hint}`;
  });
}

function refused(extension: string): readonly string[] {
  const made = read(extension);
  return made.ok ? [] : told(made.failure);
}

describe('x-bake', () => {
  test('is refused for what is no mapping of texts', () => {
    expect(refused('{contexts: [{foo: bar}]}')).toEqual([
      '5:26 x-bake.contexts must be a mapping of texts; write contexts: {name: path}',
    ]);
    expect(refused('{contexts: {foo: [bar]}}')).toEqual([
      '5:32 x-bake.contexts.foo must be a text; write contexts: {name: path}',
    ]);
    expect(refused('[tags]')).toEqual(['5:15 x-bake must be a mapping; write x-bake: {tags: [...]}']);
  });

  test('tells all mistakes at once', () => {
    expect(
      refused('{tags: {a: b}, pull: "true", cache-from: [x=y], output: [type=local, "type=docker", "a=\\"b"]}'),
    ).toEqual([
      '5:22 x-bake.tags must be a list of texts, or a text; write tags: [one, two]',
      expect.stringMatching(/^5:57 /),
      expect.stringMatching(/^5:99 /),
      '5:36 x-bake.pull must be true or false; write it without quotes; a variable may hold yes or no',
    ]);
  });

  test('has no effect for keys that nobody knows, which is told', () => {
    const made = read('{taggs: [x], cache_from: [y], x-mine: 1, tags: [z]}');
    if (!made.ok) throw new Error(made.failure[0]?.message);
    expect(told(made.value.warnings)).toEqual([
      '5:16 x-bake has no attribute "taggs"; it is passed over; did you mean "tags"?',
      '5:28 x-bake has no attribute "cache_from"; it is passed over; did you mean "cache-from"?',
    ]);
    expect(made.value.targets.get('a')?.tags).toEqual(['z']);
  });
});
