import path from 'node:path';
import { goJson } from '../../planner/go-json.ts';
import { ownStep } from '../../runtime/build/own-step.ts';
import { readSource } from '../../runtime/images/read-source.ts';
import type { CombinedImage } from '../../runtime/oci/combine.ts';
import { combine } from '../../runtime/oci/combine.ts';
import { descriptorStruct } from '../../runtime/oci/descriptor.ts';
import { goPlain } from '../../runtime/oci/go-value.ts';
import { keepPlatforms } from '../../runtime/oci/keep-platforms.ts';
import { DOCKER_LIST } from '../../runtime/oci/media-types.ts';
import { putImage } from '../../runtime/push/put-image.ts';
import type { NameResult, WantedName } from '../../runtime/push/put-image.ts';
import type { Repository } from '../../runtime/registry/image-reference.ts';
import { repositoryText } from '../../runtime/registry/image-reference.ts';
import type { CommandContext } from '../command.ts';
import type { ParsedArgs } from '../flags.ts';
import { metadataProblem, writeMetadata } from '../metadata.ts';
import { diagnosticsText } from '../print/diagnostic.ts';
import { registryFailureText } from '../print/registry-failure.ts';
import { chooseProgress } from '../progress/choose.ts';
import type { Progress } from '../progress/progress.ts';
import { askedFor } from './images-create-args.ts';
import type { ImagesCommand } from './images.ts';
import type { OpenRegistries } from './registries.ts';
import { complain, withRegistries } from './registries.ts';

/** `docker buildx imagetools create`: the same images. */
export const imagesCreate: ImagesCommand = {
  summary: 'Make a new image of images in registries, under names in any registries',
  usage: 'images create [flags] [SOURCE...]',
  flags: [
    {
      name: 'annotation',
      kind: 'list',
      value: 'KEY=VALUE',
      help: 'Annotate the index (index:KEY=VALUE) or its entries (manifest-descriptor:...)',
    },
    { name: 'append', kind: 'switch', help: 'Keep the images that the first name has now' },
    { name: 'builder', kind: 'text', hidden: true, help: '' },
    { name: 'dry-run', kind: 'switch', help: 'Show what would be made, and push nothing' },
    {
      name: 'file',
      short: 'f',
      kind: 'list',
      value: 'FILE',
      help: 'Read a source from a file: a name, a digest, or a descriptor in JSON',
    },
    {
      name: 'metadata-file',
      kind: 'text',
      value: 'FILE',
      help: 'Write the descriptor of the image and its repositories to a file',
    },
    { name: 'platform', short: 'p', kind: 'list', value: 'PLATFORM', help: 'Keep only images for these platforms' },
    {
      name: 'prefer-index',
      kind: 'switch',
      help: 'Make an index also of a single image (the default; =false copies it as it is)',
    },
    { name: 'progress', kind: 'text', value: 'HOW', help: 'auto, plain, quiet, rawjson or none' },
    { name: 'tag', short: 't', kind: 'list', value: 'NAME', help: 'A name for the new image; may repeat' },
  ],
  run: create,
};

type Image = CombinedImage<readonly Repository[]>;

async function create(context: CommandContext, args: ParsedArgs): Promise<number> {
  const asked = askedFor(args, context.cwd);
  if (!asked.ok) {
    context.stderr.write(diagnosticsText('ERROR', [asked.failure]));
    return 1;
  }
  const file = args.texts.get('metadata-file');
  const problem = file === undefined ? undefined : await metadataProblem(path.resolve(context.cwd, file));
  if (problem !== undefined)
    return complain(context, `the metadata file ${JSON.stringify(file)} cannot be written: ${problem}`);
  const mode = args.texts.get('progress') ?? (context.env.BUILDKIT_PROGRESS || 'auto');
  const progress = await chooseProgress(mode, (text) => void context.stderr.write(text));
  if (!progress.ok) return complain(context, progress.failure);
  return withRegistries(context, async (opened) => {
    const sources = await Promise.all(asked.value.sources.map((source) => readSource(source, opened)));
    const { annotations, platforms, prefersIndex, names } = asked.value;
    const combined = combine(sources, { annotations, prefersIndex });
    const image = combined.ok ? keepPlatforms(combined.value, platforms) : combined;
    if (!image.ok) return complain(context, image.failure);
    if (image.value.descriptor.mediaType === DOCKER_LIST && annotations.length > 0)
      context.stderr.write(
        "WARNING: --annotation has no effect: all images are of Docker's types, and a list of those has no annotations\n",
      );
    if (asked.value.isDryRun) {
      context.stdout.write(Buffer.concat([image.value.bytes, Buffer.from('\n')]));
      return 0;
    }
    const results = await push(image.value, names, { opened, progress: progress.value });
    if (results.some((result) => result.is === 'failed')) return tellResults(context, results);
    return file === undefined ? 0 : writeResult(context, file, { image: image.value, names });
  });
}

async function push(
  image: Image,
  names: readonly WantedName[],
  { opened, progress }: { readonly opened: OpenRegistries; readonly progress: Progress },
): Promise<readonly NameResult[]> {
  try {
    return await putImage(image, names, {
      ...opened,
      step: (name, work) => ownStep(name, (update) => progress.onEvent({ type: 'status', target: '', update }), work),
    });
  } finally {
    progress.end();
  }
}

/** Each name, and what came of it. */
function tellResults({ stderr }: CommandContext, results: readonly NameResult[]): number {
  for (const result of results) {
    if (result.is === 'pushed') stderr.write(`pushed ${result.name}@${result.digest}\n`);
    else stderr.write(`${registryFailureText(result.failure, `${result.name} was not pushed: `)}\n`);
  }
  return 1;
}

/** What newer docker buildx writes: the descriptor, and the repositories that have it. */
async function writeResult(
  context: CommandContext,
  file: string,
  { image, names }: { readonly image: Image; readonly names: readonly WantedName[] },
): Promise<number> {
  const repositories = new Set(names.map(({ reference }) => repositoryText(reference)));
  const metadata = new Map<string, unknown>([
    ['containerimage.descriptor', goPlain(descriptorStruct(image.descriptor))],
    ['image.name', [...repositories].sort().join(',')],
  ]);
  try {
    await writeMetadata(path.resolve(context.cwd, file), goJson(metadata).trimEnd(), context);
    return 0;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return complain(context, `the metadata file ${JSON.stringify(file)} cannot be written: ${cause}`);
  }
}
