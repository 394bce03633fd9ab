import type { Socket } from 'node:net';
import net from 'node:net';
import { join } from 'node:path';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { SolveRequest } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { Control } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { LLBBridge } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { streamWire } from '../../runtime/http2/wire.ts';
import { GrpcError, status } from '../../runtime/rpc/status.ts';
import type { Handler, ServerCall, SessionService } from '../../runtime/session/server.ts';
import { serveGrpc, unaryHandler } from '../../runtime/session/server.ts';
import { tempFolder } from './folder.ts';

/** What a {@link FakeDaemon} pretends to be. */
export interface FakeDaemonOptions {
  /** What it says of itself; undefined: it does not know the question, as before 0.11. */
  readonly version: string | undefined;
  readonly capabilities: readonly string[];
  /** What its own frontends refuse everything with. */
  readonly refusal?: string;
  /** Whether it can get other frontends (`BUILDKIT_SYNTAX`), which refuse nothing and answer `{}`. */
  readonly hasOthers?: boolean;
}

/**
 * A fake: a standalone buildkitd of some version, of which no real one runs here. It answers what a client asks before and
 * around a build, and builds nothing: every result is empty. It stands on our own HTTP/2, so that it is no proof of the wire.
 */
export interface FakeDaemon extends AsyncDisposable {
  /** For `BUILDKIT_HOST`. */
  readonly address: string;
  readonly path: string;
  /** The names of the calls made to it, in order. */
  readonly calls: readonly string[];
  /** The builds that it was asked for. */
  readonly solved: readonly SolveRequest[];
  /** What its frontends were called with. */
  readonly asked: readonly Readonly<Record<string, string>>[];
}

/** Starts a {@link FakeDaemon} on a unix socket. */
export async function fakeDaemon(options: FakeDaemonOptions): Promise<FakeDaemon> {
  const folder = await tempFolder('fake-daemon');
  const path = join(folder.path, 'buildkitd.sock');
  const calls: string[] = [];
  const solved: SolveRequest[] = [];
  const asked: Readonly<Record<string, string>>[] = [];
  const sockets = new Set<Socket>();
  const service = counted(servicesOf(options, solved, asked), calls);
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serveGrpc((events) => streamWire(socket, events), [service]);
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  return {
    address: `unix://${path}`,
    path,
    calls,
    solved,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
      await folder[Symbol.asyncDispose]();
    },
  };
}

function servicesOf(
  { version, capabilities, refusal, hasOthers = false }: FakeDaemonOptions,
  solved: SolveRequest[],
  asked: Readonly<Record<string, string>>[],
): SessionService {
  /** By their ids, what ends builds. */
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const endOf = (ref: string): PromiseWithResolvers<void> => {
    const end = ends.get(ref) ?? Promise.withResolvers<void>();
    ends.set(ref, end);
    return end;
  };
  const gone = ({ signal }: ServerCall): Promise<void> =>
    new Promise((ended) => signal.addEventListener('abort', () => ended(), { once: true }));
  return {
    ...unaryHandler(Control.method.info, async () => {
      if (version === undefined) throw new GrpcError(status.UNIMPLEMENTED, 'unknown method Info');
      return { buildkitVersion: { version } };
    }),
    ...unaryHandler(Control.method.listWorkers, async () => ({
      record: [{ ID: 'fake', platforms: [{ OS: 'linux', Architecture: 'amd64' }] }],
    })),
    ...unaryHandler(Control.method.solve, async (request, call) => {
      solved.push(request);
      await Promise.race([endOf(request.Ref).promise, gone(call)]);
      return { ExporterResponse: {} };
    }),
    ...unaryHandler(LLBBridge.method.ping, async () => ({
      LLBCaps: capabilities.map((ID) => ({ ID, Enabled: true })),
    })),
    ...unaryHandler(LLBBridge.method.solve, async ({ FrontendOpt }) => {
      asked.push(FrontendOpt);
      const isOther = hasOthers && FrontendOpt['build-arg:BUILDKIT_SYNTAX'] !== undefined;
      if (refusal !== undefined && !isOther) throw new GrpcError(status.UNIMPLEMENTED, refusal);
      return { result: isOther ? { metadata: { 'result.json': Buffer.from('{}') } } : {} };
    }),
    ...unaryHandler(LLBBridge.method.return, async (_request, call) => {
      endOf(call.metadata('buildkit-controlapi-buildid')[0] ?? '').resolve();
      return {};
    }),
    [pathOf(Control.method.status)]: async () => undefined,
    [pathOf(Control.method.prune)]: async () => undefined,
    [pathOf(Control.method.session)]: gone,
  };
}

/** The same service, which notes every call. */
function counted(service: SessionService, calls: string[]): SessionService {
  const noted = ([path, handler]: readonly [string, Handler]): readonly [string, Handler] => [
    path,
    (call) => {
      calls.push(path.slice(path.lastIndexOf('.') + 1));
      return handler(call);
    },
  ];
  return Object.fromEntries(Object.entries(service).map(noted));
}

function pathOf({ parent, name }: Pick<DescMethodUnary, 'parent' | 'name'>): string {
  return `/${parent.typeName}/${name}`;
}
