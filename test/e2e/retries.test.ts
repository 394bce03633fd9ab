import { beforeAll, describe, expect, test } from 'vitest';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import { tree } from '../rig/tree.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['du'],
  ['prune', '--force', '--filter', 'id=none-of-this-name'],
  ['build', '-o', 'type=cacheonly', '.'],
  ['bake', '--set=*.output=type=cacheonly'],
];

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

describe('a builder whose first connections break', { timeout: 60_000 }, () => {
  test.each(COMMANDS.map((args) => [args.join(' '), args] as const))('is asked again by %s', async (_line, args) => {
    await using folder = await tree({
      Dockerfile: 'FROM scratch\nLABEL a=b\n',
      'docker-bake.hcl': 'target "default" {}\n',
    });
    await using pipe = await remoteBuildkit(engine.docker, { breaks: 3 });
    const run = await depot(args, { cwd: folder.path, env: { BUILDKIT_HOST: pipe.address } });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(pipe.taken()).toBeGreaterThan(3);
  });

  test('is given up after the fourth, and told', async () => {
    await using folder = await tree({ Dockerfile: 'FROM scratch\n' });
    await using pipe = await remoteBuildkit(engine.docker, { breaks: 1_000 });
    const started = performance.now();
    const run = await depot(['build', '.'], { cwd: folder.path, env: { BUILDKIT_HOST: pipe.address } });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(`ERROR: the builder at ${pipe.address} cannot be reached: `);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
