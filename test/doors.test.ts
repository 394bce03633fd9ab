import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Who may import whom: a room, and the rooms it may reach. Every other arrow is a fault. */
const DOORS: readonly (readonly [room: RegExp, may: RegExp])[] = [
  [/^planner\//, /^planner\//],
  [/^proto\//, /^proto\//],
  [
    /^cli\/(?:progress|ui)\//,
    /^(?:cli\/(?:progress|ui)\/|cli\/print\/text\.ts$|runtime\/event\.ts$|planner\/result\.ts$)/,
  ],
  [/^cli\//, /^(?:cli|planner|runtime)\//],
  [/^runtime\/(?:event|failure)\.ts$/, /^(?:runtime\/event\.ts|planner\/(?:result|target|source|diagnostic)\.ts)$/],
  [/^runtime\/schedule\//, /^(?:runtime\/(?:schedule\/|buildkit\/platform\.ts$)|planner\/)/],
  [/^runtime\/http2\//, /^runtime\/http2\//],
  [/^runtime\/rpc\//, /^(?:runtime\/(?:rpc|http2)\/|proto\/)/],
  [/^runtime\/files\//, /^(?:runtime\/(?:files\/|event\.ts|failure\.ts)|planner\/|proto\/)/],
  [
    /^runtime\/docker\//,
    /^(?:runtime\/(?:docker\/|buildkit\/(?:endpoint|ssh-connection)\.ts$|event\.ts|failure\.ts)|planner\/|proto\/)/,
  ],
  [/^runtime\/registry\//, /^(?:runtime\/(?:registry\/|docker\/|oci\/|event\.ts|failure\.ts)|planner\/|proto\/)/],
  [/^runtime\/oci\//, /^(?:runtime\/(?:oci|files)\/|planner\/)/],
  [
    /^runtime\/session\//,
    /^(?:runtime\/(?:session|files|oci|docker|registry|rpc|http2)\/|runtime\/(?:event|failure)\.ts$|planner\/|proto\/)/,
  ],
  [
    /^runtime\/buildkit\/library\.ts$/,
    /^(?:runtime\/(?:buildkit|session|rpc)\/|runtime\/oci\/store\.ts$|runtime\/event\.ts$|proto\/gen\/)/,
  ],
  [
    /^runtime\/buildkit\//,
    /^(?:runtime\/(?:buildkit|session|rpc|http2)\/|runtime\/(?:event|failure)\.ts$|planner\/|proto\/)/,
  ],
  [
    /^runtime\/load\//,
    /^(?:runtime\/(?:load|docker|registry|oci|buildkit|session)\/|runtime\/files\/(?:make-folder|replace-file)\.ts$|runtime\/(?:event|failure)\.ts$|planner\/|proto\/)/,
  ],
  [/^runtime\/images\//, /^(?:runtime\/(?:images|registry|oci)\/|runtime\/(?:event|failure)\.ts$|planner\/)/],
  [/^runtime\/push\//, /^(?:runtime\/(?:push|images|registry|oci)\/|runtime\/(?:event|failure)\.ts$|planner\/)/],
  [
    /^runtime\/hosts\//,
    /^(?:runtime\/(?:hosts|docker)\/|runtime\/(?:buildkit\/endpoint|files\/make-folder)\.ts$|runtime\/(?:event|failure)\.ts$|planner\/|proto\/)/,
  ],
  [
    /^runtime\/build\//,
    /^(?:runtime\/(?:build|buildkit|session|load|push|oci|docker|registry|rpc)\/|runtime\/(?:event|failure)\.ts$|planner\/|proto\/)/,
  ],
];

/** What of Node a planner may use: it touches nothing outside. */
const PLANNER_BUILTINS = new Set(['node:path/posix', 'node:crypto']);

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Packages that compute and touch nothing, which a planner may use as well. */
const PLANNER_PACKAGES = new Set(['bcryptjs', 'yaml']);

function importsOf(file: string, text: string): readonly Import[] {
  const specifiers = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
  );
  return [...specifiers].map(([, ...found]) => {
    const to = found.find((one) => one !== undefined) ?? '';
    return { from: file, to: to.startsWith('.') ? path.posix.join(path.posix.dirname(file), to) : to };
  });
}

function faults(file: string, text: string): readonly string[] {
  const found: string[] = [];
  for (const { to } of importsOf(file, text)) {
    const own = /^(?:cli|planner|runtime|proto|test|fixtures)\//.test(to);
    if (!own) {
      const builtin = file.startsWith('planner/') && !PLANNER_BUILTINS.has(to) && !PLANNER_PACKAGES.has(to);
      if (builtin) found.push(`${file} imports ${to}: a planner uses nothing but paths and hashes`);
      continue;
    }
    const may = DOORS.find(([room]) => room.test(file))?.[1];
    if (may === undefined || !may.test(to)) found.push(`${file} imports ${to}`);
  }
  if (
    !file.startsWith('cli/') &&
    /\bprocess\.(?:argv|env|exit|stdout|stderr|stdin|exitCode)\b/.test(withoutComments(text))
  ) {
    found.push(`${file} uses the process: only cli/ may`);
  }
  return found;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
}

function sources(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const room of ['cli', 'planner', 'runtime', 'proto/gen']) {
    for (const entry of readdirSync(path.join(ROOT, room), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
      const absolute = path.join(entry.parentPath, entry.name);
      files.set(path.relative(ROOT, absolute), readFileSync(absolute, 'utf8'));
    }
  }
  return files;
}

describe('doors', () => {
  test('no file imports what its room may not', () => {
    expect([...sources()].flatMap(([file, text]) => faults(file, text))).toEqual([]);
  });

  test('no room imports itself in a circle, types aside', () => {
    const graph = new Map(
      [...sources()].map(([file, text]) => [
        file,
        importsOf(file, text.replace(/import type [^;]+;/g, '')).map(({ to }) => to),
      ]),
    );
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, open: readonly string[]): void => {
      if (open.includes(file)) circles.push([...open.slice(open.indexOf(file)), file].join(' -> '));
      if (open.includes(file) || done.has(file)) return;
      for (const to of graph.get(file) ?? []) if (graph.has(to)) visit(to, [...open, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  test.each([
    ['planner/x.ts', "import { a } from '../runtime/event.ts';"],
    ['planner/x.ts', "import fs from 'node:fs';"],
    ['runtime/files/x.ts', "import { a } from '../session/session.ts';"],
    ['runtime/session/x.ts', "import { a } from '../buildkit/client.ts';"],
    ['runtime/build/x.ts', "import { a } from '../../cli/main.ts';"],
    ['cli/progress/x.ts', "const a = await import('../../runtime/build/build.ts');"],
    ['runtime/build/x.ts', 'const home = process.env.HOME;'],
  ])('a planted fault in %s is found: %s', (file, text) => {
    expect(faults(file, `${text}\n`)).toHaveLength(1);
  });
});
