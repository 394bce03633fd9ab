/** The codes with which a gRPC call ends (gRPC core, "Status codes and their use"). */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/**
 * How a call failed: the peer's own answer, or what became of the connection (UNAVAILABLE). A handler that throws one answers
 * with its code and its words.
 */
export class GrpcError extends Error {
  /** One of {@link status}, or a number that is newer. */
  readonly code: number;
  /** The marshalled `google.rpc.Status` that came with it. */
  readonly statusDetails: Uint8Array | undefined;

  constructor(code: number, message: string, statusDetails?: Uint8Array) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
    this.statusDetails = statusDetails;
  }
}
