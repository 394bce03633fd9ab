import type { DockerEndpoint } from '../../runtime/docker/http.ts';
import { DockerHttp } from '../../runtime/docker/http.ts';

const SIGNAL_MS = 30_000;

/** The ids of the containers that run. */
export async function runningContainers(docker: DockerEndpoint): Promise<readonly string[]> {
  const containers = (await asked(docker, '/containers/json')) as readonly { readonly Id: string }[];
  return containers.map(({ Id }) => Id);
}

interface InspectedImage {
  readonly Manifests?: readonly {
    readonly Available: boolean;
    readonly ImageData?: { readonly Platform: { readonly os: string; readonly architecture: string } };
  }[];
}

/**
 * For which platforms an image is there, all of it; needs a containerd store. The image is asked for by itself: over the list of all
 * of them, of which others may be on their way, a daemon at times breaks off.
 */
export async function presentPlatforms(docker: DockerEndpoint, name: string): Promise<readonly string[]> {
  const { Manifests = [] } = (await asked(docker, `/images/${name}/json?manifests=1`)) as InspectedImage;
  return Manifests.flatMap(({ Available, ImageData }) =>
    Available && ImageData !== undefined ? [ImageData.Platform] : [],
  )
    .map(({ os, architecture }) => `${os}/${architecture}`)
    .sort();
}

async function asked(docker: DockerEndpoint, path: string): Promise<unknown> {
  using http = new DockerHttp(docker);
  return (await http.send({ method: 'GET', path: `/v1.48${path}`, signal: AbortSignal.timeout(SIGNAL_MS) })).json();
}
