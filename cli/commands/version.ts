import { readFileSync } from 'node:fs';
import type { Command } from '../command.ts';

/** `depot version`. */
export const version: Command = {
  name: 'version',
  summary: 'Show the version',
  usage: 'version',
  flags: [],
  run: async ({ stdout }) => {
    stdout.write(`depot ${ownVersion()} (node ${process.versions.node})\n`);
    return 0;
  },
};

/** The version in package.json, which lies above the sources and above the bundle alike. */
function ownVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const json: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof json === 'object' && json !== null && 'version' in json) return String(json.version);
    } catch {
      continue;
    }
  }
  return 'unknown';
}
