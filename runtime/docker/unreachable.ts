import type { Endpoint } from '../buildkit/endpoint.ts';

/** Why a daemon cannot be reached, in words that a person can act on. */
export interface Unreachable {
  readonly cause: string;
  readonly hint?: string;
}

/** Where a user says which certificates are used, for each kind of daemon. */
const SETTINGS = {
  buildkit: {
    authority: 'BUILDKIT_TLS_CA (or ca.pem in BUILDKIT_TLS_DIR)',
    client: 'BUILDKIT_TLS_CERT and BUILDKIT_TLS_KEY (or cert.pem and key.pem in BUILDKIT_TLS_DIR)',
    name: 'BUILDKIT_TLS_SERVER_NAME',
    turnOn: 'set BUILDKIT_TLS_DIR to a folder with ca.pem, cert.pem and key.pem',
    turnOff: 'unset BUILDKIT_TLS_DIR, BUILDKIT_TLS_CA, BUILDKIT_TLS_CERT and BUILDKIT_TLS_KEY',
  },
  docker: {
    authority: 'ca.pem in DOCKER_CERT_PATH (or in the Docker context)',
    client: 'cert.pem and key.pem in DOCKER_CERT_PATH (or in the Docker context)',
    name: 'DOCKER_HOST',
    turnOn: 'set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem',
    turnOff: 'unset DOCKER_TLS_VERIFY',
  },
} as const;

/**
 * Puts what Node and OpenSSL say of a connection that failed into words, with what would help where the
 * certificates (or the lack of them) are the reason. Without such a reason there is no hint.
 */
export function explainUnreachable(message: string, endpoint: Endpoint): Unreachable {
  const cause = bare(message);
  const secure = 'tls' in endpoint && endpoint.tls !== undefined;
  const settings = SETTINGS[endpoint.kind === 'unix' || endpoint.kind === 'tcp' ? 'buildkit' : 'docker'];
  if (secure) {
    const alert = /alert ([a-z ]+)$/.exec(cause)?.[1];
    if (alert !== undefined || hungUp(cause)) {
      return {
        cause: alert === undefined ? `it hung up on us (${cause})` : `it refuses this client ("${alert}")`,
        hint: `is the client's certificate one that it accepts? It is that of ${settings.client}`,
      };
    }
    if (/wrong version number|packet length too long|record overflow/.test(cause)) {
      return { cause: `it does not speak TLS (${cause})`, hint: `for a connection in the clear, ${settings.turnOff}` };
    }
    if (/altnames/.test(cause))
      return { cause, hint: `${settings.name} names the host that its certificate must be for` };
    if (/self-signed|unable to (?:verify|get)|signature failure/.test(cause)) {
      return {
        cause: `its certificate comes from an authority that is not trusted (${cause})`,
        hint: `the authority that is trusted is that of ${settings.authority}; without one, those of the system are`,
      };
    }
  } else if (endpoint.kind === 'tcp' || endpoint.kind === 'docker-tcp') {
    if (hungUp(cause)) return { cause: `it hung up on us (${cause})`, hint: `if it wants TLS, ${settings.turnOn}` };
  }
  if (/^Protocol error$/.test(cause)) {
    return {
      cause: 'what answers there is no BuildKit (Protocol error)',
      hint: 'the address of a Docker Engine goes into DOCKER_HOST, not into BUILDKIT_HOST',
    };
  }
  return { cause };
}

function hungUp(cause: string): boolean {
  return /^(?:Failed to connect|connection dropped|socket hang up|read ECONNRESET|write EPIPE|Client network socket disconnected.*)$/.test(
    cause,
  );
}

/** Without the names of error classes, and what OpenSSL adds for its own authors. */
function bare(message: string): string {
  const openssl = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/.exec(message)?.[1];
  return openssl?.replace(/^(?:tlsv1[123]?|sslv3) /, '') ?? message.replace(/^Error(?: \[[A-Z_]+\])?: /, '');
}
