import { Health, ServingStatus } from '../../proto/gen/grpc/health/v1/health_pb.ts';
import type { SessionService } from './server.ts';
import { unaryHandler } from './server.ts';

/** Says that the session is alive. The daemon asks every 5 s and drops a session that does not answer twice. */
export function healthService(): SessionService {
  return unaryHandler(Health.method.check, async () => ({ status: ServingStatus.SERVING }));
}
