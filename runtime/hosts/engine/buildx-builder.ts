import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../../../planner/result.ts';
import { fail, ok } from '../../../planner/result.ts';
import type { DockerEndpoint } from '../../docker/http.ts';
import type { Unsupported } from '../../failure.ts';
import type { Address, BuildkitEndpoint } from './address.ts';
import { BUILDKIT_PORT, contextAddress, dockerConfigFolder, parseAddress, readTls } from './address.ts';
import type { Environment } from './facts.ts';

/** A builder that the user named, and by what. */
export interface AskedBuilder {
  readonly name: string;
  /** `--builder`, `BUILDX_BUILDER`. */
  readonly askedBy: string;
}

/** Where a builder of docker buildx is. */
export type BuildxBuilder =
  | { readonly driver: 'remote'; readonly address: Address<BuildkitEndpoint> }
  | { readonly driver: 'docker'; readonly address: Address<DockerEndpoint> };

/** The part of a builder's file that matters (docker/buildx `store/nodegroup.go`). */
interface NodeGroup {
  readonly Driver?: string;
  readonly Nodes?: readonly {
    readonly Endpoint?: string;
    readonly DriverOpts?: Readonly<Record<string, string>> | null;
  }[];
}

/** What `docker buildx create` takes for a name (docker/buildx `store/util.go`). */
const NAME = /^[a-z][a-z0-9-_.]*$/i;

/**
 * The builder that `docker buildx create` made under a name, or the Docker context of that name. It must be one BuildKit that
 * can be reached by itself: the driver `remote`; a container's (`docker-container`) is refused by name.
 */
export async function buildxBuilder(
  { name, askedBy }: AskedBuilder,
  env: Environment,
): Promise<Result<BuildxBuilder, Unsupported>> {
  const what = `the builder ${JSON.stringify(name)} of ${askedBy}`;
  const config = dockerConfigFolder(env);
  if (!NAME.test(name)) return refused(what, 'That is no name of a builder; see `docker buildx ls`.');
  const file = join(env['BUILDX_CONFIG'] || join(config, 'buildx'), 'instances', name.toLowerCase());
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error) {
    if (text.code !== 'ENOENT') return refused(what, `${file} cannot be read (${text.code ?? text.message}).`);
    const address = await contextAddress(name, config);
    if (address !== undefined) return address.ok ? ok({ driver: 'docker', address: address.value }) : address;
    return refused(what, `Neither a builder nor a Docker context has that name; see \`docker buildx ls\`.`);
  }
  const group = parsed(text);
  if (group === undefined) return refused(what, `${file} is not the file of a builder.`);
  const { Driver: driver = '', Nodes: [node, ...more] = [] } = group;
  if (driver !== 'remote') {
    const hint =
      'A remote BuildKit (driver remote) and the Docker Engine can be used; leave the builder out for those.';
    return refused(`${what}, whose driver is ${JSON.stringify(driver)}`, hint);
  }
  if (node?.Endpoint === undefined || more.length > 0)
    return refused(`${what}, of ${group.Nodes?.length ?? 0} nodes`, 'One node can be used.');
  const endpoint = parseAddress(node.Endpoint, { what, defaultPort: BUILDKIT_PORT });
  if (!endpoint.ok) return endpoint;
  const address = { text: node.Endpoint, askedBy: what };
  if (endpoint.value.kind === 'unix') return ok({ driver, address: { ...address, endpoint: endpoint.value } });
  const { cacert: ca, cert, key, servername } = node.DriverOpts ?? {};
  if ([ca, cert, key, servername].every((one) => one === undefined))
    return ok({ driver, address: { ...address, endpoint: endpoint.value } });
  const tls = await readTls({ ca, cert, key }, what);
  if (!tls.ok) return tls;
  const named = servername === undefined ? {} : { serverName: servername };
  return ok({ driver, address: { ...address, endpoint: { ...endpoint.value, tls: { ...tls.value, ...named } } } });
}

function parsed(text: string): NodeGroup | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(what: string, hint: string): { readonly ok: false; readonly failure: Unsupported } {
  return fail({ reason: 'unsupported', what, hint });
}
