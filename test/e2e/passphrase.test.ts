import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TerminalRun } from '../rig/terminal.ts';
import { depotOnTerminal } from '../rig/terminal.ts';
import { tree } from '../rig/tree.ts';

const KEY = resolve(import.meta.dirname, '../../fixtures/ssh-keys/locked');
const PASSPHRASE = 'of the fixture';
const PROMPT = new RegExp(`Passphrase for the key ${KEY}: $`);

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

const FILES = {
  Dockerfile: 'FROM scratch\nLABEL a=b\n',
  'docker-bake.hcl': `target "one" {\n  ssh = ["default=${KEY}"]\n}\ntarget "two" {\n  ssh = ["default=${KEY}"]\n}\n`,
};

async function onTerminal(args: readonly string[], ...typed: readonly string[]): Promise<TerminalRun> {
  await using folder = await tree(FILES);
  return await depotOnTerminal(args, {
    cwd: folder.path,
    env: { DOCKER_HOST: engine.dockerHost },
    says: typed.map((text) => [PROMPT, text] as const),
  });
}

const BUILD = ['build', `--ssh=default=${KEY}`, '-o', 'type=cacheonly', '.'];
const BAKE = ['bake', '--allow=fs=*', '--set=*.output=type=cacheonly', 'one', 'two'];

describe('an ssh key with a passphrase', { timeout: 60_000 }, () => {
  test.each([
    ['build', BUILD],
    ['bake, once for all targets', BAKE],
  ])('asks for it on the terminal, which does not show it: %s', async (_command, args) => {
    const { exitCode, shown } = await onTerminal(args, 'wrong\r', `of theX\x7f fixturX\x7fe\r`);
    expect(exitCode, shown).toBe(0);
    expect(shown.match(/Passphrase for the key/g)).toHaveLength(2);
    expect(shown).toContain(`\nWrong. Passphrase for the key ${KEY}: \n`);
    expect(shown).not.toMatch(/of the|fixturX|wrong/);
  });

  test.each([
    ['nothing is typed', '\r', 'and none was given'],
    ['the input ends', '\x04', 'and none was given'],
  ])('cannot be used when %s', async (_what, typed, why) => {
    const { exitCode, shown } = await onTerminal(BUILD, typed);
    expect(exitCode).toBe(1);
    expect(shown).toContain(
      `ERROR: ssh "default": ${KEY} cannot be used: ssh: this private key is passphrase protected, ${why}\n`,
    );
  });

  test('can be given up with Ctrl-C', async () => {
    const { exitCode, shown } = await onTerminal(BUILD, '\x03');
    expect(exitCode).toBe(130);
    expect(shown).toMatch(/\nERROR: canceled\n$/);
  });

  test('is refused, with what to do, where there is no terminal', async () => {
    await using folder = await tree(FILES);
    const run = await depot(BUILD, { cwd: folder.path, env: { DOCKER_HOST: engine.dockerHost } });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain(`${KEY}: ssh: this private key is passphrase protected; `);
    expect(run.stderr).toContain('on a terminal, a passphrase is asked for');
  });

  test('opens with what has been typed and nothing else', async () => {
    const { exitCode, shown } = await onTerminal(BUILD, `${PASSPHRASE} \r`, '\x15\r');
    expect(exitCode).toBe(1);
    expect(shown).toContain('and none was given');
  });
});
