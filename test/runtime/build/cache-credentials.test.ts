import { expect, test } from 'vitest';
import { withCredentials } from '../../../runtime/build/cache-credentials.ts';

type Words = Readonly<Record<string, string>>;

const GITHUB = {
  ACTIONS_RUNTIME_TOKEN: 'T',
  ACTIONS_CACHE_URL: 'https://cache',
  ACTIONS_RESULTS_URL: 'https://results',
};
const AWS = { AWS_ACCESS_KEY_ID: 'ID', AWS_SECRET_ACCESS_KEY: 'KEY', AWS_SESSION_TOKEN: 'S' };

/** As docker/buildx `build/opt.go`, `addGithubToken` and `addAwsCredentials`, has it. */
test.each<[string, Words, Words, Words | undefined]>([
  ['gha', {}, GITHUB, { token: 'T', url: 'https://cache' }],
  [
    'gha',
    {},
    { ...GITHUB, ACTIONS_CACHE_SERVICE_V2: 'true' },
    { token: 'T', url: 'https://cache', url_v2: 'https://results' },
  ],
  [
    'gha',
    { version: '2', scope: 's' },
    GITHUB,
    { version: '2', scope: 's', token: 'T', url: 'https://cache', url_v2: 'https://results' },
  ],
  [
    'gha',
    { version: '1' },
    { ...GITHUB, ACTIONS_CACHE_SERVICE_V2: 'true' },
    { version: '1', token: 'T', url: 'https://cache' },
  ],
  [
    'gha',
    {},
    { ACTIONS_RUNTIME_TOKEN: 'T', ACTIONS_RESULTS_URL: 'https://results' },
    { token: 'T', url: 'https://results' },
  ],
  ['gha', { token: 'own', url: 'https://own' }, GITHUB, { token: 'own', url: 'https://own' }],
  ['gha', { token: 'own', url_v2: 'https://own' }, {}, { token: 'own', url_v2: 'https://own' }],
  ['gha', {}, {}, undefined],
  ['gha', {}, { ACTIONS_RUNTIME_TOKEN: 'T' }, undefined],
  ['gha', { token: '' }, GITHUB, undefined],
  ['s3', { bucket: 'b' }, AWS, { bucket: 'b', access_key_id: 'ID', secret_access_key: 'KEY', session_token: 'S' }],
  ['s3', { access_key_id: 'own', secret_access_key: 'own' }, AWS, { access_key_id: 'own', secret_access_key: 'own' }],
  ['s3', { session_token: 'own' }, AWS, { access_key_id: 'ID', secret_access_key: 'KEY', session_token: 'own' }],
  ['s3', {}, { AWS_ACCESS_KEY_ID: 'ID' }, {}],
  ['s3', {}, { AWS_ACCESS_KEY: 'ID', AWS_SECRET_KEY: 'KEY' }, { access_key_id: 'ID', secret_access_key: 'KEY' }],
  ['registry', { ref: 'r' }, { ...GITHUB, ...AWS }, { ref: 'r' }],
  ['azblob', { name: 'n' }, { ...GITHUB, ...AWS }, { name: 'n' }],
])('%s %j in %j is %j', (type, attrs, env, expected) => {
  const found = withCredentials({ type, attrs }, new Map(Object.entries(env)));
  expect(found).toEqual(expected === undefined ? undefined : { type, attrs: expected });
});
