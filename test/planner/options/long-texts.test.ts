import { expect, test } from 'vitest';
import { parseGitUrl } from '../../../planner/options/git-url.ts';
import { referenceProblem } from '../../../planner/options/reference.ts';
import { sshProblem } from '../../../planner/options/ssh.ts';
import { spentMs } from '../spent.ts';

function keyProblem(text: string): string | undefined {
  const fs = { kind: () => 'file' as const, readText: () => text };
  return sshProblem({ id: 'x', paths: ['key'] }, { environment: new Map(), fs });
}

test('expressions do not go over long texts again and again', () => {
  const many = 200_000;
  expect(spentMs(() => parseGitUrl(`https://h/a.git#main:a${'/'.repeat(many)}b`))).toBeLessThan(1000);
  expect(spentMs(() => referenceProblem(':'.repeat(many)))).toBeLessThan(1000);
  expect(spentMs(() => keyProblem('-----BEGIN PRIVATE KEY-----\n'.repeat(many)))).toBeLessThan(1000);
});

test('a key ends where it says so', () => {
  const begin = '-----BEGIN RSA PRIVATE KEY-----\n';
  expect(keyProblem(`${begin}eA==\n-----END RSA PRIVATE KEY-----\n`)).toBeUndefined();
  expect(keyProblem(`${begin}Proc-Type: 4,ENCRYPTED\n-----END RSA PRIVATE KEY-----\n`)).toMatch(/passphrase/);
  expect(keyProblem(`${begin}eA==\n-----END PRIVATE KEY-----\n`)).toMatch(/no key found/);
});
