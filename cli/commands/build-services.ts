import { goBool } from '../../planner/options/entries.ts';
import type { Planned } from '../../planner/plan.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { ProvenanceDetail } from '../../runtime/build/recorded-provenance.ts';
import type { BuildServices } from '../../runtime/build/target-context.ts';
import { CredentialStore } from '../../runtime/docker/credentials.ts';
import type { EngineHandle } from '../../runtime/hosts/engine/discover.ts';
import type { AskedPlatform } from '../../runtime/load/wanted-platform.ts';
import { normalPlatform, plainPlatform } from '../../runtime/oci/platform.ts';
import { TokenSeeds } from '../../runtime/session/token-seeds.ts';
import type { CommandContext } from '../command.ts';
import { dataDir, dockerConfig, nodeId, tokenSeedFile } from '../config.ts';
import { secretVariables } from '../environment.ts';
import { passphrasePrompt } from '../passphrase.ts';
import { complain } from '../print/complain.ts';
import { dockerEngine, imageLoaders } from './image-loaders.ts';

/**
 * What a build may use of this machine: credentials, tokens, the local Docker, the terminal. Fails with the exit code, what
 * is wrong being told by then. What it opens is closed with `open`.
 */
export async function buildServices(
  context: CommandContext,
  planned: Planned,
  { engine, open }: { readonly engine: EngineHandle; readonly open: AsyncDisposableStack },
): Promise<Result<BuildServices, number>> {
  const { env, stdout, stderr } = context;
  const config = await dockerConfig(env, (warning) => void stderr.write(`WARNING: ${warning}\n`));
  const platform = loadPlatform(context.args.texts.get('load-platform'));
  if (!platform.ok) return fail(complain(context, platform.failure));
  if (platform.value !== undefined && engine.driver === 'docker')
    stderr.write(
      'WARNING: --load-platform is for images of other builders; a Docker Engine keeps all that it builds\n',
    );
  const variables = secretVariables(env, planned);
  const { docker, noDocker } = engine;
  return ok({
    credentials: new CredentialStore(config, variables),
    tokenSeeds: new TokenSeeds(tokenSeedFile(env)),
    env: variables,
    nodeId: await nodeId(dataDir(env)),
    defaultProvenance: goBool(env.BUILDX_NO_DEFAULT_ATTESTATIONS ?? '') !== true,
    responseProvenance: context.args.texts.get('metadata-file')
      ? provenanceDetail(env.BUILDX_METADATA_PROVENANCE)
      : undefined,
    stdout,
    askPassphrase: passphrasePrompt(context),
    ...(docker === undefined
      ? { noDocker }
      : {
          loadArchive: async (chunks, { signal }) => {
            using api = await dockerEngine(docker);
            for await (const _line of api.loadImages(chunks, { signal })) continue;
          },
          loaders: imageLoaders(docker, { env, platform: platform.value, open }),
        }),
  });
}

/** What `BUILDX_METADATA_PROVENANCE` says; what it does not know counts for nothing (docker/buildx `util/confutil/metadata.go`). */
function provenanceDetail(text = ''): ProvenanceDetail | undefined {
  if (text === 'disabled' || goBool(text) === false) return undefined;
  return text === 'max' ? 'max' : 'min';
}

/** Reads `--load-platform`: `all`, or `os/architecture[/variant]` (Go's names). */
function loadPlatform(text: string | undefined): Result<AskedPlatform, string> {
  if (text === undefined || text === 'all') return ok(text);
  const [, os = '', architecture = '', variant = ''] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9]+))?$/.exec(text) ?? [];
  if (os !== '') return ok(normalPlatform(plainPlatform(os, architecture, variant)));
  return fail(`--load-platform=${text} is no platform; give one such as linux/arm64, or all`);
}
