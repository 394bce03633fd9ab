import pLimit from 'p-limit';
import { goBool } from '../../planner/options/entries.ts';
import type { Planned } from '../../planner/plan.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { ImageLoaders } from '../../runtime/build/loading.ts';
import type { BuildServices } from '../../runtime/build/target-context.ts';
import { CredentialStore } from '../../runtime/docker/credentials.ts';
import type { DockerEngine } from '../../runtime/docker/engine.ts';
import type { DockerEndpoint } from '../../runtime/docker/http.ts';
import type { EngineHandle } from '../../runtime/hosts/engine/discover.ts';
import { TokenSeeds } from '../../runtime/session/token-seeds.ts';
import type { CommandContext } from '../command.ts';
import { dataDir, dockerConfig, nodeId, tokenSeedFile } from '../config.ts';
import { secretVariables } from '../environment.ts';
import { passphrasePrompt } from '../passphrase.ts';
import { complain } from '../print/complain.ts';

/**
 * What a build may use of this machine: credentials, tokens, the local Docker, the terminal. Fails with the exit code, what
 * is wrong being told by then.
 */
export async function buildServices(
  context: CommandContext,
  planned: Planned,
  engine: EngineHandle,
): Promise<Result<BuildServices, number>> {
  const { env, stdout, stderr } = context;
  const config = await dockerConfig(env, (warning) => void stderr.write(`WARNING: ${warning}\n`));
  if (!config.ok) {
    const { file, cause } = config.failure;
    return fail(complain(context, `${file} cannot be used: ${cause}`));
  }
  const variables = secretVariables(env, planned);
  const { docker } = engine;
  return ok({
    credentials: new CredentialStore(config.value, variables),
    tokenSeeds: new TokenSeeds(tokenSeedFile(env)),
    env: variables,
    nodeId: await nodeId(dataDir(env)),
    defaultProvenance: goBool(env.BUILDX_NO_DEFAULT_ATTESTATIONS ?? '') !== true,
    stdout,
    askPassphrase: passphrasePrompt(context),
    ...(docker === undefined
      ? {}
      : {
          loadArchive: async (chunks, { signal }) => {
            using api = await engineOf(docker);
            for await (const _line of api.loadImages(chunks, { signal })) continue;
          },
          ...(isOnThisMachine(docker) ? { loaders: imageLoaders(docker) } : {}),
        }),
  });
}

/** How many images a Docker Engine is given at a time: each pull of its has several downloads of its own. */
const LOADS_AT_A_TIME = 3;

function imageLoaders(docker: DockerEndpoint): ImageLoaders {
  const limit = pLimit(LOADS_AT_A_TIME);
  return {
    pull: (image, options) =>
      limit(async () => {
        options.signal.throwIfAborted();
        const { fastLoad } = await import('../../runtime/load/fast-load.ts');
        using api = await engineOf(docker);
        await fastLoad(image, { ...options, docker: api });
      }),
    send: (image, options) =>
      limit(async () => {
        options.signal.throwIfAborted();
        const { archiveLoad } = await import('../../runtime/load/archive-load.ts');
        using api = await engineOf(docker);
        await archiveLoad(image, { ...options, docker: api });
      }),
  };
}

async function engineOf(docker: DockerEndpoint): Promise<DockerEngine> {
  const { DockerEngine } = await import('../../runtime/docker/engine.ts');
  return new DockerEngine(docker);
}

/** Whether a Docker Engine is likely to reach a port of our loopback interface; where it does not after all, its pull says so. */
function isOnThisMachine(docker: DockerEndpoint): boolean {
  return docker.kind === 'docker-unix' || ['localhost', '127.0.0.1', '::1'].includes(docker.host);
}
