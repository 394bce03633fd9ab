import { diagnosticText } from '../../cli/print/diagnostic.ts';
import { printPlan } from '../../planner/bake/print.ts';
import { composeDefinition } from '../../planner/compose/build-definition.ts';
import { composePlan } from '../../planner/compose/build-plan.ts';
import { printComposeDefinition } from '../../planner/compose/build-print.ts';
import { loadProject } from '../../planner/compose/project.ts';
import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { FileSystemPort } from '../../planner/host.ts';
import { planBake } from '../../planner/plan.ts';
import type { Seed } from './corpus.ts';

/** Of the processor, so that it does not matter what else the machine does. */
const MAX_MS = 1000;

/** What reads an env file, in all the ways there are. */
const BESIDE_ENV = `services:
  a:
    image: \${A:-a}
    env_file: [.env, {path: .env, required: false}]
    build: {context: ., args: [A, "B=$B"]}
`;

const VARIABLES = new Map([
  ['V', '1,2'],
  ['TAG', 'x'],
]);

type Failures = readonly Diagnostic[];

/** What the planner does wrong with a definition, whatever is in it; undefined when nothing. */
export async function wrongWith({ kind, name, text }: Seed): Promise<string | undefined> {
  const before = process.threadCpuUsage();
  try {
    const files = new Map([[name, text], ...(kind === 'env' ? [['compose.yaml', BESIDE_ENV] as const] : [])]);
    const failures = await bakeFailures(kind === 'env' ? 'compose.yaml' : name, files);
    const wrong = [failures, kind === 'bake' ? undefined : composeFailures(files)].map(wrongFailures);
    const first = wrong.find((one) => one !== undefined);
    if (first !== undefined) return first;
  } catch (error) {
    return `throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const { user, system } = process.threadCpuUsage(before);
  const tookMs = (user + system) / 1000;
  return tookMs > MAX_MS ? `takes ${tookMs.toFixed(0)} ms` : undefined;
}

/** Undefined: it plans. */
async function bakeFailures(file: string, files: ReadonlyMap<string, string>): Promise<Failures | undefined> {
  const planned = await planBake({
    files: [file],
    targets: ['*'],
    overrides: [],
    variables: VARIABLES,
    fs: memory(files, ''),
    now: new Date(0),
    homeDir: '/home/fuzz',
    localPlatform: 'linux/amd64',
    flags: {},
  });
  if (!planned.ok) return planned.failure;
  JSON.parse(printPlan(planned.value.plan));
  return undefined;
}

function composeFailures(files: ReadonlyMap<string, string>): Failures | undefined {
  const fs = memory(files, '/p/');
  const project = loadProject({
    files: [],
    projectName: undefined,
    projectDirectory: undefined,
    envFiles: [],
    profiles: ['*'],
    environment: VARIABLES,
    cwd: '/p',
    fs,
    stdin: undefined,
    homeDir: '/home/fuzz',
  });
  if (!project.ok) return project.failure;
  const switches = { withDependencies: true, noCache: false, pull: false, push: true, check: false };
  const lists = { services: [], buildArgs: ['A', 'B=$B'], ssh: [], proxyArgs: new Map<string, string>() };
  const definition = composeDefinition(project.value, { ...switches, ...lists, compatibility: false, fs });
  if (!definition.ok) return definition.failure;
  const printed = printComposeDefinition(definition.value);
  if (printed !== '') JSON.parse(printed);
  const flags = { provenance: undefined, sbom: undefined };
  const planned = composePlan(definition.value, { ...flags, environment: VARIABLES, fs });
  return planned.ok ? undefined : planned.failure;
}

function memory(files: ReadonlyMap<string, string>, folder: string): FileSystemPort {
  const text = (path: string): string | undefined =>
    path.startsWith(folder) ? files.get(path.slice(folder.length)) : undefined;
  return { readText: text, kind: (path) => (text(path) === undefined ? undefined : 'file') };
}

function wrongFailures(failures: Failures | undefined): string | undefined {
  if (failures === undefined) return undefined;
  if (failures.length === 0) return 'fails with no diagnostic';
  const silent = failures.find((one) => diagnosticText(one).trim() === '' || one.message.trim() === '');
  return silent === undefined ? undefined : `an empty diagnostic: ${silent.reason}`;
}
