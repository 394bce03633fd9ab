import type { Command, CommandEntry } from './command.ts';
import type { Flag } from './flags.ts';

/** The page for `depot help`. */
export function generalHelp(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return [
    'depot builds many images at once from bake files, on a BuildKit of yours.',
    '',
    'Usage:  depot COMMAND [flags]',
    '',
    'Commands:',
    ...list,
    '',
    'depot COMMAND --help tells more of each. --debug shows the whole of an internal error.',
    '',
  ].join('\n');
}

/** The page for one command. */
export function commandHelp(command: Command): string {
  const shown = [...command.flags.filter(({ hidden }) => hidden !== true), HELP];
  const names = shown.map(label);
  const width = Math.max(...names.map((name) => name.length)) + 3;
  const lines = shown.map((flag, at) => `  ${(names[at] ?? '').padEnd(width)}${flag.help}`);
  return [command.summary, '', `Usage:  depot ${command.usage}`, '', 'Flags:', ...lines, ''].join('\n');
}

const HELP: Flag = { name: 'help', short: 'h', kind: 'switch', help: 'Show this page' };

function label(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${short}--${flag.name}${flag.kind === 'switch' ? '' : ` ${flag.value ?? 'VALUE'}`}`;
}
