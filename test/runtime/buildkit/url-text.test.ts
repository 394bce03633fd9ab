import { expect, test } from 'vitest';
import { httpSource } from '../../../runtime/buildkit/definition.ts';
import { withoutPassword, withoutPasswords, withoutUser } from '../../../runtime/buildkit/url-text.ts';

test.each([
  ['https://user:secret@host/x', 'https://xxxxx:xxxxx@host/x'],
  ['https://user:sec@ret@host/x', 'https://xxxxx:xxxxx@host/x'],
  ['https://user:sec/ret@host/x', 'https://xxxxx:xxxxx@host/x'],
  ['https://user:s@c/ret@host/x', 'https://xxxxx:xxxxx@host/x'],
  ['https://user:sec?ret@host/x', 'https://xxxxx:xxxxx@host/x'],
  ['https://user:sec#ret@host/x', 'https://xxxxx:xxxxx@host/x'],
  ['HTTPS://user:secret@host/x', 'HTTPS://xxxxx:xxxxx@host/x'],
  ['https://secret@host/x.git#pkg@1.0:sub', 'https://xxxxx@host/x.git#pkg@1.0:sub'],
  ['https://host/x?token=secret&secret#a?b', 'https://host/x?token=xxxxx&xxxxx#a?b'],
  ['https://host/x?u=a@secret', 'https://host/x?u=xxxxx'],
  ['github.com/o/r?token=secret', 'github.com/o/r?token=xxxxx'],
  ['https://[::1]:5000/@scope/x', 'https://[::1]:5000/@scope/x'],
  ['http://host:80/a@1.tar', 'http://host:80/a@1.tar'],
  ['ssh://git@host/x.git', 'ssh://git@host/x.git'],
  ['git@host:x.git#main', 'git@host:x.git#main'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});

test.each([
  ['https://ada:secret@host/app.git', 'https://xxxxx:xxxxx@host/app.git'],
  ['https://ada:sec@ret@host/app.git', 'https://xxxxx:xxxxx@host/app.git'],
  ['https://a@da:sec@ret@host:8080/@scope/app.git', 'https://xxxxx:xxxxx@host:8080/@scope/app.git'],
  ['https://ada:sec/ret@host/app.git', 'https://xxxxx:xxxxx@host/app.git'],
  ['https://token@host/app.git', 'https://xxxxx@host/app.git'],
  ['https://:secret@host/app.git', 'https://:xxxxx@host/app.git'],
  ['ssh://git@host/app.git', 'ssh://xxxxx@host/app.git'],
  ['https://host/app@2.git', 'https://host/app@2.git'],
  ['https://host:8080/@scope/app.git', 'https://host:8080/@scope/app.git'],
  ['git@host:app.git', 'git@host:app.git'],
  ['/srv/a@b:c/app.git', '/srv/a@b:c/app.git'],
])('the repository %s is named %s', (remote, named) => {
  expect(withoutUser(remote)).toBe(named);
});

test('the name of the step that fetches a URL holds no token', () => {
  expect(httpSource('https://host/x.tar?token=secret').name).toBe('[internal] load https://host/x.tar?token=xxxxx');
});

test('what a daemon says of URLs holds no password', () => {
  expect(withoutPasswords('Get "https://u:secret@host/a?k=secret": EOF; and http://host/b')).toBe(
    'Get "https://xxxxx:xxxxx@host/a?k=xxxxx": EOF; and http://host/b',
  );
});
