// Builds a folder inside a Docker Engine and takes the image out as an archive: node example.ts SOCKET FOLDER ARCHIVE
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ArchiveSink, StatusUpdate } from 'depot/buildkit';
import { BuildkitClient, fileSendService, fileSyncService, solve, wireError } from 'depot/buildkit';

const [path = '/var/run/docker.sock', folder = '.', archive = 'image.tar'] = process.argv.slice(2);
const signal = AbortSignal.timeout(600_000);
const sink: ArchiveSink = (chunks, options) => pipeline(chunks, createWriteStream(archive), options);
const services = [
  fileSyncService(new Map([['context', folder]]).set('dockerfile', folder)), // what the daemon may read here
  fileSendService(new Map([[0, sink]])), // where it puts what the first exporter gives
];
const onStatus = ({ vertexes, logs }: StatusUpdate): void => {
  for (const { name, cached, completed } of vertexes) if (completed) console.log(cached ? 'CACHED' : 'DONE', name);
  for (const { data } of logs) process.stdout.write(data);
};

using client = new BuildkitClient({ kind: 'docker-unix', path }); // or 'unix', 'tcp' (with `tls` or without), 'docker-tcp'
const [worker] = await client.workers({ signal });
console.log('it builds for', worker?.platforms.map(({ OS, Architecture }) => `${OS}/${Architecture}`).join(', '));
try {
  const exporters = [{ type: 'oci', attrs: {} }];
  const { response } = await solve(client, { exporters, services }, { onStatus, signal });
  console.log('built', response['containerimage.digest']);
  const records = await client.diskUsage({ signal });
  console.log('its cache holds', records.length, 'records');
} catch (error) {
  const { message, sources = [] } = wireError(error) ?? { message: String(error) };
  for (const { filename, ranges } of sources) console.error(`${filename}:${ranges[0]?.start.line ?? 1}`);
  console.error(message);
  process.exitCode = 1;
}
