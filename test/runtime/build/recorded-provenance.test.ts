import { expect, test } from 'vitest';
import type { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import { BadProvenance, recordedProvenance } from '../../../runtime/build/recorded-provenance.ts';

const signal = new AbortController().signal;

/** A daemon whose only record has this provenance: what real ones do not say (SLSA 1, broken JSON, too much of it). */
function fakeDaemon(text: string, size = text.length): BuildkitClient {
  const annotations = { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' };
  const attestation = {
    mediaType: 'application/vnd.in-toto+json',
    digest: 'sha256:x',
    size: BigInt(size),
    annotations,
  };
  const daemon = {
    history: async () => ({ Results: {}, Result: { Attestations: [attestation] } }),
    readBlob: async function* () {
      yield Buffer.from(text);
    },
  };
  return daemon as unknown as BuildkitClient;
}

test('of SLSA 1 as of 0.2, the steps and times are told only where all is', async () => {
  const text = JSON.stringify({
    buildDefinition: { buildType: 't', internalParameters: { buildConfig: { steps: [] }, builderPlatform: 'p' } },
    runDetails: { builder: { id: 'b' }, metadata: { startedOn: 'now' } },
  });
  const told = async (detail: 'min' | 'max'): Promise<unknown> => {
    const { 'buildx.build.provenance': json = '' } = await recordedProvenance(fakeDaemon(text), 'r', {
      detail,
      signal,
    });
    return JSON.parse(Buffer.from(json, 'base64').toString('utf8'));
  };
  expect(await told('max')).toEqual(JSON.parse(text));
  expect(await told('min')).toEqual({
    buildDefinition: { buildType: 't', internalParameters: { builderPlatform: 'p' } },
    runDetails: { builder: { id: 'b' } },
  });
});

test.each([
  ['{', 1],
  ['null', 4],
  ['{}', 100 * 1024 * 1024],
])('what is none, or too large, is said to be so: %s', async (text, size) => {
  const told = recordedProvenance(fakeDaemon(text, size), 'r', { detail: 'min', signal });
  await expect(told).rejects.toThrow(BadProvenance);
});
