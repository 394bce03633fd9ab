import { readContents } from '../../runtime/images/contents.ts';
import { readImageIndex } from '../../runtime/oci/image-index.ts';
import { isIndexType } from '../../runtime/oci/media-types.ts';
import { manifestName, parseImageReference, tagged } from '../../runtime/registry/image-reference.ts';
import { diagnosticsText } from '../print/diagnostic.ts';
import type { ShownImage } from '../print/image.ts';
import { imageByTemplate, imageText, isPlainFormat, wantedBy } from '../print/image.ts';
import type { ReadTemplate } from '../print/template/template.ts';
import { readTemplate } from '../print/template/template.ts';
import type { CommandContext } from '../command.ts';
import type { ParsedArgs } from '../flags.ts';
import type { ImagesCommand } from './images.ts';
import type { OpenRegistries } from './registries.ts';
import { complain, withRegistries } from './registries.ts';

/** `docker buildx imagetools inspect`: the same text. */
export const imagesInspect: ImagesCommand = {
  summary: 'Show an image or an index of a registry',
  usage: 'images inspect [flags] NAME',
  flags: [
    {
      name: 'format',
      kind: 'text',
      value: 'TEMPLATE',
      help: 'A Go template of .Name, .Manifest, .Image, .Provenance, .SBOM',
    },
    { name: 'raw', kind: 'switch', help: 'The bytes of the manifest as they are' },
    { name: 'builder', kind: 'text', hidden: true, help: '' },
  ],
  run: inspect,
};

async function inspect(context: CommandContext, args: ParsedArgs): Promise<number> {
  const [name, ...more] = args.rest;
  const format = args.texts.get('format') ?? '';
  const isRaw = args.switches.get('raw') === true;
  if (args.texts.has('builder')) return complain(context, 'not supported: --builder; no builder is needed for this');
  if (name === undefined || more.length > 0)
    return complain(
      context,
      `depot images inspect takes one name, and ${name === undefined ? 'none is' : `${more.length + 1} are`} given`,
    );
  if (isRaw && format !== '') return complain(context, '--format and --raw cannot be used together');
  const reference = parseImageReference(name);
  if (!reference.ok) return complain(context, reference.failure);
  const template =
    format === '' || isPlainFormat(format) ? undefined : readTemplate({ name: '--format', text: format });
  if (template?.ok === false) return tellDiagnostic(context, template.failure);
  const whole = tagged(reference.value);
  return withRegistries(context, async (opened) => {
    const { registry, path } = whole;
    const client = opened.registries.client(registry);
    const root = await client.readManifest(path, manifestName(whole), opened);
    if (isRaw) {
      context.stdout.write(root.bytes);
      return 0;
    }
    const index = isIndexType(root.mediaType) ? readImageIndex(root.bytes) : undefined;
    if (index?.ok === false) return complain(context, `${name} cannot be read: ${index.failure}`);
    const shown = { reference: whole, root, ...(index === undefined ? {} : { index: index.value }) };
    if (template !== undefined) return fill(template.value, { ...shown, name }, { context, opened });
    context.print(imageText(shown));
    return 0;
  });
}

async function fill(
  template: ReadTemplate,
  shown: ShownImage & { readonly name: string },
  { context, opened }: { readonly context: CommandContext; readonly opened: OpenRegistries },
): Promise<number> {
  const { registry, path } = shown.reference;
  const place = { client: opened.registries.client(registry), repository: path };
  const wanted = wantedBy(template);
  const contents = Object.values(wanted).includes(true)
    ? await readContents(shown.root, place, { wanted, signal: opened.signal })
    : new Map();
  const text = imageByTemplate(template, { ...shown, contents });
  if (!text.ok) return tellDiagnostic(context, text.failure);
  context.print(text.value);
  return 0;
}

function tellDiagnostic({ stderr }: CommandContext, diagnostic: Parameters<typeof diagnosticsText>[1][number]): number {
  stderr.write(diagnosticsText('ERROR', [diagnostic]));
  return 1;
}
