import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { ResultSchema } from '../../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { LinkBroken, Links } from '../../../runtime/build/links.ts';

const result = create(ResultSchema, {});

/** Runs a target to its end and writes down when it evaluated and when its job was free to end. */
function follow(
  links: Links,
  target: string,
  diary: string[],
  evaluate = async (): Promise<void> => undefined,
): Promise<void> {
  return links
    .run(target, result, async () => {
      diary.push(`${target} evaluates`);
      await evaluate();
    })
    .then(() => void diary.push(`${target} ends`));
}

describe('linked targets', () => {
  test('a parent evaluates before its child, and lives until the child has evaluated', async () => {
    const links = new Links(
      new Map([
        ['base', []],
        ['app', ['base']],
      ]),
    );
    const diary: string[] = [];
    await Promise.all([follow(links, 'app', diary), follow(links, 'base', diary)]);
    expect(diary).toEqual(['base evaluates', 'app evaluates', 'app ends', 'base ends']);
  });

  test('nothing evaluates before every child is known to the daemon', async () => {
    const links = new Links(
      new Map([
        ['base', []],
        ['app', ['base']],
      ]),
    );
    const diary: string[] = [];
    const base = follow(links, 'base', diary);
    await new Promise((resolve) => setImmediate(resolve));
    expect(diary).toEqual([]);
    await Promise.all([base, follow(links, 'app', diary)]);
    expect(diary[0]).toBe('base evaluates');
  });

  test('a target without links does not evaluate apart from its export', async () => {
    const links = new Links(new Map([['alone', []]]));
    const diary: string[] = [];
    await follow(links, 'alone', diary);
    expect(diary).toEqual(['alone ends']);
  });

  test('a failed target breaks those that link to it, and they name the first that failed', async () => {
    const links = new Links(
      new Map([
        ['base', []],
        ['mid', ['base']],
        ['app', ['mid']],
      ]),
    );
    const app = links.result('mid').catch((error: unknown) => error);
    const mid = links.result('base').catch((error: unknown) => {
      links.broken('mid', error instanceof LinkBroken ? error.because : 'mid');
      return error;
    });
    links.broken('base', 'base');
    expect(await mid).toMatchObject({ because: 'base' });
    expect(await app).toMatchObject({ because: 'base' });
  });

  test('a failed child does not keep its parent from ending', async () => {
    const links = new Links(
      new Map([
        ['base', []],
        ['bad', ['base']],
        ['good', ['base']],
      ]),
    );
    const diary: string[] = [];
    const base = follow(links, 'base', diary);
    const bad = follow(links, 'bad', diary, async () => {
      throw new Error('exit code: 1');
    }).catch(() => links.broken('bad', 'bad'));
    await Promise.all([base, bad, follow(links, 'good', diary)]);
    expect(diary.at(-1)).toBe('base ends');
  });
});
