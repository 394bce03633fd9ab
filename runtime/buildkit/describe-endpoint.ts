import { unreachable } from '../../planner/result.ts';
import type { Endpoint } from './endpoint.ts';

/** The endpoint as a person would write it: `unix:///run/x.sock`, `tcp://host:1234`. */
export function describeEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
    case 'docker-unix':
      return `unix://${endpoint.path}`;
    case 'tcp':
    case 'docker-tcp':
      return `tcp://${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
    case 'docker-ssh': {
      const { user, host, port, socket = '' } = endpoint.destination;
      return `ssh://${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}${socket}`;
    }
    default:
      return unreachable(endpoint);
  }
}
