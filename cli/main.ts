import type { Command, CommandEntry } from './command.ts';
import { COMMON_FLAGS, parseFlags, unreadArgs } from './flags.ts';
import { streams, writeOut } from './output.ts';
import { canceled, INTERRUPTED } from './print/complain.ts';
import { didYouMean } from '../planner/hcl/suggest.ts';

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'bake',
    summary: 'Build the targets of a bake file',
    load: async () => (await import('./commands/bake.ts')).bake,
  },
  {
    name: 'build',
    summary: 'Build one image from a Dockerfile',
    load: async () => (await import('./commands/build.ts')).build,
  },
  {
    name: 'compose',
    summary: 'Build the services of Compose files; everything else is docker compose',
    load: async () => (await import('./commands/compose.ts')).compose,
  },
  {
    name: 'du',
    summary: 'Show what the build cache of the engine holds',
    load: async () => (await import('./commands/du.ts')).du,
  },
  {
    name: 'engine',
    summary: 'Set up, show or stop the engine that builds',
    load: async () => (await import('./commands/engine.ts')).engine,
  },
  {
    name: 'images',
    summary: 'Look at images in registries, and make new ones of them',
    load: async () => (await import('./commands/images.ts')).images,
  },
  {
    name: 'prune',
    summary: 'Remove from the build cache of the engine',
    load: async () => (await import('./commands/prune.ts')).prune,
  },
  { name: 'version', summary: 'Show the version', load: async () => (await import('./commands/version.ts')).version },
];

/**
 * Runs one command line (without the program's own name) and ends the process with its exit code. `launcher`: the file
 * descriptor of a pipe that closes when the process ends that started this one for the user.
 */
export async function main(argv: readonly string[], options: { readonly launcher?: number } = {}): Promise<void> {
  launcher = options.launcher;
  const code = await dispatch(argv).catch((error: unknown) => {
    if (interrupt?.aborted === true && error === interrupt.reason) return canceled(streams);
    const debug = argv.includes('--debug') || argv.includes('-D');
    streams.stderr.write(`ERROR: internal error: ${error instanceof Error ? error.message : String(error)}\n`);
    if (debug && error instanceof Error) streams.stderr.write(`${error.stack ?? ''}\n`);
    else streams.stderr.write('Run again with --debug to see where, and please report it.\n');
    return 1;
  });
  process.exitCode = code === INTERRUPTED ? codeOf(endedBy) : code;
  await streams.drained();
  process.exit();
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const first = argv.findIndex((arg) => !arg.startsWith('-'));
  const name = first === -1 ? undefined : argv[first];
  if (name === undefined || name === 'help') {
    if (argv.includes('--version') || argv.includes('-v')) return run(await entry('version'), []);
    const topic = name === 'help' ? argv[first + 1] : undefined;
    if (topic !== undefined && entry(topic) !== undefined) return run(await entry(topic), ['--help']);
    writeOut((await import('./help.ts')).generalHelp(COMMANDS));
    return 0;
  }
  const found = entry(name);
  if (found === undefined) {
    const hint = didYouMean(
      name,
      COMMANDS.map((one) => one.name),
      'see depot help',
    );
    streams.stderr.write(`ERROR: unknown command ${JSON.stringify(name)}; ${hint}\n`);
    return 1;
  }
  return run(await found, [...argv.slice(0, first), ...argv.slice(first + 1)]);
}

function entry(name: string): Promise<Command> | undefined {
  return COMMANDS.find((one) => one.name === name)?.load();
}

async function run(command: Command | undefined, args: readonly string[]): Promise<number> {
  if (command === undefined) return 1;
  const parsed =
    command.readsOwnArguments === true
      ? ({ ok: true, value: unreadArgs(args) } as const)
      : parseFlags([...command.flags, ...COMMON_FLAGS], args);
  if (!parsed.ok) {
    streams.stderr.write(`ERROR: ${parsed.failure}\nSee 'depot ${command.name} --help'.\n`);
    return 1;
  }
  if (parsed.value.switches.get('help') === true) {
    writeOut((await import('./help.ts')).commandHelp(command));
    return 0;
  }
  const cwd = workingDirectory();
  if (cwd === undefined) {
    streams.stderr.write('ERROR: the current directory no longer exists\n');
    return 1;
  }
  return command.run({
    args: parsed.value,
    env: process.env,
    cwd,
    get signal() {
      return (interrupt ??= interruptSignal());
    },
    get stdout() {
      return streams.stdout;
    },
    get stderr() {
      return streams.stderr;
    },
    get stdin() {
      return process.stdin;
    },
    print: writeOut,
    debug: parsed.value.switches.get('debug') === true,
  });
}

/** Undefined when it has been removed under us. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

let interrupt: AbortSignal | undefined;

/** The signal that asked to end. */
let endedBy: NodeJS.Signals | undefined;

/** What a shell makes of a process that a signal ended. */
function codeOf(signal: NodeJS.Signals | undefined): number {
  return signal === undefined ? INTERRUPTED : 128 + process.getBuiltinModule('node:os').constants.signals[signal];
}

let launcher: number | undefined;

/**
 * The first Ctrl-C asks to end, and says so; the second ends at once. The launcher passes on what only it has heard, a byte
 * for each; its death asks to end as well.
 */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(codeOf(signal));
    endedBy = signal;
    if (signal === 'SIGINT') streams.stderr.write('\nCanceling... (press Ctrl-C again to leave at once)\n');
    controller.abort(new Error(`ended by ${signal}`));
  };
  // Of one Ctrl-C on the terminal we learn twice: from the terminal, and from the launcher.
  const interrupts = { heard: 0, passedOn: 0 };
  const onInterrupt = (by: keyof typeof interrupts): void => {
    const before = Math.max(interrupts.heard, interrupts.passedOn);
    interrupts[by] += 1;
    if (interrupts[by] > before) onSignal('SIGINT');
  };
  process.on('SIGINT', () => onInterrupt('heard'));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  if (launcher !== undefined) {
    const { Socket } = process.getBuiltinModule('node:net');
    const pipe = new Socket({ fd: launcher, readable: true, writable: false });
    pipe.on('error', () => undefined);
    pipe.once('close', () => controller.abort(new Error('the process that started this one is gone')));
    pipe.on('data', (chunk: Uint8Array) => chunk.forEach(() => onInterrupt('passedOn')));
    pipe.unref();
  }
  return controller.signal;
}
