/** What a registry says in the body of a refusal (OCI distribution spec, "Error Codes"). */
export interface RegistryReason {
  /** `DENIED`, `NAME_UNKNOWN`...; empty when it names none. */
  readonly code: string;
  readonly message: string;
}

/**
 * A registry that refused, failed, or could not be reached; the message says which one, and what was asked of it. It is one line: what
 * a registry says cannot pass for a line of ours.
 */
export class RegistryError extends Error {
  readonly registry: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly reasons: readonly RegistryReason[];
  /** Whether the same may work a little later. */
  readonly isTemporary: boolean;
  /** How long the registry asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    about: {
      readonly registry: string;
      readonly status?: number;
      readonly reasons?: readonly RegistryReason[];
      readonly isTemporary?: boolean;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' '), { cause: about.cause });
    this.name = 'RegistryError';
    this.registry = about.registry;
    this.status = about.status ?? 0;
    this.reasons = about.reasons ?? [];
    this.isTemporary = about.isTemporary ?? false;
    this.retryAfterMs = about.retryAfterMs;
  }
}

/** Statuses that pass by themselves: the request came too early, too often, or met a server that is not well. */
const TEMPORARY_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A server's wish is followed up to this. */
const MAX_RETRY_AFTER_MS = 60_000;

const MAX_REASON_LENGTH = 300;

/** The error for an answer that is none of those wanted; `asked` says what was asked: `pushing a layer of app`. */
export function refusal(
  registry: string,
  asked: string,
  answer: { readonly status: number; readonly body: string; readonly retryAfter: string | undefined },
): RegistryError {
  const { status, body } = answer;
  const reasons = reasonsIn(body);
  const said = reasons.map(({ code, message }) => [code, message].filter((text) => text !== '').join(': ')).join('; ');
  return new RegistryError(`${registry}: ${asked}: ${statusText(status)}${said === '' ? '' : `: ${said}`}`, {
    registry,
    status,
    reasons,
    isTemporary: TEMPORARY_STATUSES.has(status),
    retryAfterMs: retryAfter(answer.retryAfter),
  });
}

const STATUS_WORDS: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [413, 'Payload Too Large'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [507, 'Insufficient Storage'],
]);

function statusText(status: number): string {
  const words = STATUS_WORDS.get(status);
  return `status ${status}${words === undefined ? '' : ` ${words}`}`;
}

function reasonsIn(body: string): readonly RegistryReason[] {
  try {
    const json: unknown = JSON.parse(body);
    const errors: unknown = typeof json === 'object' && json !== null && 'errors' in json ? json.errors : undefined;
    if (!Array.isArray(errors)) return [];
    return errors.slice(0, 3).flatMap((one: unknown) => {
      if (typeof one !== 'object' || one === null) return [];
      const { code, message } = one as { readonly code?: unknown; readonly message?: unknown };
      return [{ code: shortText(code), message: shortText(message) }];
    });
  } catch {
    return [];
  }
}

function shortText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_REASON_LENGTH) : '';
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** What Node and undici call connections that broke, or never came about. */
const CONNECTION_CODES = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** The error for a request that got no answer. */
export function noAnswer(registry: string, asked: string, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = error instanceof Error ? error.message : String(error);
  return new RegistryError(`${registry}: ${asked}: ${cause === '' ? code : cause}`, {
    registry,
    isTemporary: CONNECTION_CODES.has(code) || code === 'ECONNREFUSED',
    cause: error,
  });
}
