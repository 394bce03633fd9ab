/**
 * The BuildKit client for other programs: a daemon is called, and what it asks back while it builds is answered. See
 * README.md. Nothing here reads the environment or the command line, or writes anywhere but where it is told to.
 */
export { BuildkitClient } from './client.ts';
export type { BuildChange, BuildsRequest } from './build-history.ts';
export type { DaemonInfo } from './daemon-calls.ts';
export type { Endpoint, TlsFiles } from './endpoint.ts';
export { solve } from './solve.ts';
export type { Build, Built } from './solve.ts';
export type { WirePolicy } from './source-policy.ts';
export type { Gateway } from './gateway.ts';
export { sourceDefinition } from './definition.ts';
export type { Copy, Definition, Source } from './definition.ts';
export { daemonCapabilities } from './capabilities.ts';
export { FEATURES, lacking, releaseText } from './features.ts';
export type { Feature } from './features.ts';
export type { CacheRecord, PruneRequest } from './cache-record.ts';
export { BuildError, codeName, wireError } from './error.ts';
export type { WireError } from './error.ts';
export { GrpcError, status } from '../rpc/status.ts';
export type { StatusUpdate, Vertex, VertexLog, VertexStatus, VertexWarning } from '../event.ts';
export { randomId } from '../session/session.ts';
export { unaryHandler } from '../session/server.ts';
export type { Handler, ServerCall, SessionService } from '../session/server.ts';
export { authService } from '../session/auth.ts';
export type { AuthOptions, Credentials } from '../session/auth.ts';
export { contentService } from '../session/content.ts';
export { ContentStore } from '../oci/store.ts';
export { fileSendService } from '../session/file-send.ts';
export type { ArchiveSink, FolderSink } from '../session/file-send.ts';
export { fileSyncService } from '../session/file-sync.ts';
export { secretsService } from '../session/secrets.ts';
export { sshService } from '../session/ssh.ts';
export type { SshAgent } from '../session/ssh-agent.ts';
export { keyFilesAgent } from '../session/ssh-key-files.ts';
export { socketAgent } from '../session/ssh-socket.ts';
export { TokenSeeds } from '../session/token-seeds.ts';
export { uploadService, uploadUrl } from '../session/upload.ts';
export type { BuildHistoryRecord } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
export type { PongResponse, Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
export type { WorkerRecord } from '../../proto/gen/moby/buildkit/v1/types/worker_pb.ts';
