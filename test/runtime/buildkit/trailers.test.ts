import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import { BuildError, wireError } from '../../../runtime/buildkit/error.ts';
import { solve } from '../../../runtime/buildkit/solve.ts';
import type { TestBuild } from '../../rig/build.ts';
import { shellBuild } from '../../rig/build.ts';
import { depot } from '../../rig/depot.ts';
import type { TestEngine } from '../../rig/engine.ts';
import { sharedEngine } from '../../rig/engine.ts';
import { busybox } from '../../rig/image.ts';

const TEST_MS = 120_000;
const LINE_BYTES = 100;

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** A build whose Dockerfile is so long, with a step at its end that fails; `lastLine` is its number. */
async function longBuild(bytes: number): Promise<TestBuild & { readonly lastLine: number }> {
  // A step that two builds have in common is known to the daemon by the Dockerfile of one of them.
  const made = await shellBuild([`ENV WHO=${Math.random()}`]);
  const count = Math.ceil(bytes / LINE_BYTES);
  const filling = Array.from({ length: count }, (_, at) => `# ${String(at).padEnd(LINE_BYTES - 3, '.')}\n`);
  const dockerfile = join(made.path, 'Dockerfile');
  await appendFile(dockerfile, `${filling.join('')}RUN echo last words; exit 7\n`);
  return { ...made, lastLine: 5 + count + 1 };
}

/** In bytes of the Dockerfile. Of the last, a limit of 16 MB for trailers would be too little. */
const SIZES = [30_000, 400_000, 14_000_000];

describe('an error in a Dockerfile, of which the daemon sends all with it,', () => {
  test.each(SIZES)(
    'is whole, however long that is: %d bytes',
    async (bytes) => {
      const signal = AbortSignal.timeout(TEST_MS);
      await using made = await longBuild(bytes);
      using client = new BuildkitClient(engine.docker);
      const failed = await solve(client, made.build, { signal }).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(BuildError);
      const wire = wireError(failed);
      expect(wire?.message).toMatch(
        /process "\/bin\/sh -c echo last words; exit 7" did not complete .*: exit code: 7$/,
      );
      expect(wire?.vertex).toMatch(/^sha256:/);
      const [source] = wire?.sources ?? [];
      expect(source?.data.length).toBeGreaterThan(bytes);
      expect(source?.ranges[0]?.start.line).toBe(made.lastLine);
      expect(await client.info({ signal })).toBeDefined();
    },
    TEST_MS,
  );

  test('is shown with the lines around it', async () => {
    await using made = await longBuild(14_000_000);
    const args = ['build', '--progress=plain', '--build-context', `busybox=${await busybox()}`, '.'];
    const { stderr, exitCode } = await depot(args, { cwd: made.path, env: { DOCKER_HOST: engine.dockerHost } });
    const line = made.lastLine;
    const around = [line - 2, line - 1].map((at) => ` ${at} |     # ${String(at - 6).padEnd(LINE_BYTES - 3, '.')}`);
    expect(stderr.split('\n').slice(-9)).toEqual([
      `Dockerfile:${line}`,
      '--------------------',
      ...around,
      ` ${line} | >>> RUN echo last words; exit 7`,
      ` ${line + 1} |     `,
      '--------------------',
      'ERROR: failed to build: failed to solve: process "/bin/sh -c echo last words; exit 7" did not complete successfully: exit code: 7',
      '',
    ]);
    expect(exitCode).toBe(1);
  });
});
