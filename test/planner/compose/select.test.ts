import { describe, expect, test } from 'vitest';
import { loadProject } from '../../../planner/compose/project.ts';
import { ComposeError } from '../../../planner/compose/error.ts';
import { selectServices } from '../../../planner/compose/select.ts';

function selected(text: string, names: readonly string[], profiles: readonly string[] = []): unknown {
  const loaded = loadProject({
    files: [],
    projectDirectory: undefined,
    envFiles: [],
    environment: new Map(),
    cwd: '/p',
    fs: {
      readText: (name) => (name === '/p/compose.yaml' ? text : undefined),
      kind: (name) => (name === '/p/compose.yaml' ? 'file' : undefined),
    },
    stdin: undefined,
    projectName: undefined,
    profiles,
    homeDir: '/home/me',
  });
  if (!loaded.ok) throw new Error(loaded.failure[0]?.message);
  try {
    const [plain, deep] = [false, true].map((deps) => selectServices(loaded.value, names, deps));
    return {
      defined: plain?.defined.map(({ name }) => name).sort(),
      alone: plain?.requested.map(({ name }) => name).sort(),
      withDependencies: deep?.requested.map(({ name }) => name).sort(),
    };
  } catch (error) {
    if (error instanceof ComposeError) return error.diagnostics.map(({ message, hint }) => `${message}; ${hint}`);
    throw error;
  }
}

describe('a service that is named although its profile is not active', () => {
  test('brings all of its profiles', () => {
    const text = `services:
  b: {build: b, profiles: [dev]}
  c: {build: c, profiles: [dev, test], depends_on: [b]}
`;
    expect(selected(text, ['c'])).toEqual({ defined: ['b', 'c'], alone: ['c'], withDependencies: ['b', 'c'] });
  });

  test('brings none of them when one is active', () => {
    const text = `services:
  b: {build: b, profiles: [other]}
  c: {build: c, profiles: [dev, other], depends_on: {b: {condition: service_started, required: false}}}
`;
    expect(selected(text, ['c'], ['dev'])).toEqual({ defined: ['c'], alone: ['c'], withDependencies: ['c'] });
  });

  test.each([
    'depends_on: [b]',
    'volumes_from: [b]',
    'links: ["b:alias"]',
    'network_mode: "service:b"',
    'ipc: "service:b"',
  ])('cannot have %s of another profile', (use) => {
    const text = `services:
  b: {build: b, profiles: [x]}
  c: {build: c, profiles: [y], ${use}}
`;
    expect(selected(text, ['c'])).toEqual(['no such service: b; its profile is not active; add --profile x']);
    expect(selected(text, ['c', 'b'])).toEqual({
      defined: ['b', 'c'],
      alone: ['b', 'c'],
      withDependencies: ['b', 'c'],
    });
  });

  test('brings those of services that its contexts name, and they must exist', () => {
    const text = `services:
  b: {build: b, profiles: [x], depends_on: [e]}
  e: {build: e, profiles: [x]}
  c: {build: {context: c, additional_contexts: ["q=service:b"]}, profiles: [y]}
  d: {build: {context: d, additional_contexts: ["q=service:nope"]}, profiles: [y]}
`;
    expect(selected(text, ['c'])).toEqual({
      defined: ['b', 'c', 'e'],
      alone: ['b', 'c'],
      withDependencies: ['b', 'c', 'e'],
    });
    expect(selected(text, ['d'])).toEqual(['no such service: nope; there is none']);
  });
});
