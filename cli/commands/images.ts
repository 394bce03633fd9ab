import type { Command, CommandContext } from '../command.ts';
import type { Flag, ParsedArgs } from '../flags.ts';
import { COMMON_FLAGS, parseFlags } from '../flags.ts';
import { commandHelp } from '../help.ts';

/** One of the words behind `depot images`. */
export interface ImagesCommand {
  readonly summary: string;
  readonly usage: string;
  readonly flags: readonly Flag[];
  readonly run: (context: CommandContext, args: ParsedArgs) => Promise<number>;
}

const WORDS: ReadonlyMap<string, () => Promise<ImagesCommand>> = new Map([
  ['create', async () => (await import('./images-create.ts')).imagesCreate],
  ['inspect', async () => (await import('./images-inspect.ts')).imagesInspect],
]);

/** What `docker buildx imagetools` does; no engine is needed for it. */
export const images: Command = {
  name: 'images',
  summary: 'Look at images in registries, and make new ones of them',
  usage: 'images inspect | create [flags]',
  flags: [],
  readsOwnArguments: true,
  run: async (context) => {
    const [word, ...rest] = context.args.rest;
    if (word === undefined || word === '--help' || word === '-h') return help(context);
    const load = WORDS.get(word);
    if (load === undefined)
      return complain(context, `unknown command "images ${word}"; ${[...WORDS.keys()].join(' and ')} are known`);
    const command = await load();
    const parsed = parseFlags([...command.flags, ...COMMON_FLAGS], rest);
    if (!parsed.ok) return complain(context, parsed.failure, ` ${word}`);
    if (parsed.value.switches.get('help') !== true) return command.run(context, parsed.value);
    context.print(commandHelp({ ...images, ...command, run: images.run }));
    return 0;
  },
};

async function help(context: CommandContext): Promise<number> {
  const lines = [images.summary, '', `Usage:  depot ${images.usage}`, '', 'Commands:'];
  for (const [word, load] of WORDS) lines.push(`  ${word.padEnd(10)}${(await load()).summary}`);
  context.print([...lines, '', 'depot images COMMAND --help tells more of each.', ''].join('\n'));
  return 0;
}

function complain({ stderr }: CommandContext, message: string, word = ''): number {
  stderr.write(`ERROR: ${message}\nSee 'depot images${word} --help'.\n`);
  return 1;
}
