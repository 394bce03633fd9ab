import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { sshProblem } from '../../../planner/options/ssh.ts';

const KEYS = path.resolve(import.meta.dirname, '../../../fixtures/ssh-keys');

const fs = {
  kind: (name: string) =>
    name.endsWith('.sock') ? ('socket' as const) : /^(?:gone|)$/.test(name) ? undefined : ('file' as const),
  readText: (name: string) => readFileSync(path.join(KEYS, name), 'utf8'),
};

function problem(paths: readonly string[], agent = ''): string | undefined {
  return sshProblem({ id: 'x', paths }, { environment: new Map([['SSH_AUTH_SOCK', agent]]), fs });
}

test.each([[['a.sock']], [['ed25519']], [['rsa', 'ecdsa521', 'rsa-pem', 'rsa-pkcs8', 'ecdsa-pem']], [['rsa', 'rsa']]])(
  '%j can be forwarded',
  (paths) => {
    expect(problem(paths)).toBeUndefined();
  },
);

test.each([[[]], [['']]])('%j is the agent of the user', (paths) => {
  expect(problem(paths, 'a.sock')).toBeUndefined();
  expect(problem(paths, 'ed25519')).toBeUndefined();
  expect(problem(paths)).toBe('invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set');
  expect(problem(paths, 'gone')).toBe('failed to stat gone (SSH_AUTH_SOCK): no such file or directory');
});

const ABOUT = 'failed to convert agent config for ID: "x": ';

test.each([
  [['a.sock', 'b.sock'], `${ABOUT}only single socket allowed`],
  [['a.sock', 'rsa'], `${ABOUT}only single socket allowed`],
  [['a.sock', 'gone'], `${ABOUT}only single socket allowed`],
  [['rsa', 'a.sock'], `${ABOUT}invalid combination of keys and sockets`],
  [['', 'rsa'], 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set'],
  [['rsa', 'gone'], 'failed to stat gone: no such file or directory'],
  [['rsa', 'rsa.pub'], `${ABOUT}rsa.pub: ssh: no key found; this is a public key`],
  [['locked'], `${ABOUT}locked: ssh: this private key is passphrase protected`],
])('%j cannot: %s', (paths, expected) => {
  expect(problem(paths, 'a.sock')).toBe(expected);
});
