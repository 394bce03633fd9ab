const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const NAME = `(?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*`;
const REFERENCE = new RegExp(`^(${NAME})(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$`);
const MAX_NAME = 255;
/** More than a name, a tag and a digest come to; the expressions above and below are slow on long texts. */
const MAX_CHARACTERS = 1024;

/** What is wrong with the name of an image (distribution/reference `reference.go`); undefined when nothing is. */
export function referenceProblem(text: string): string | undefined {
  if (text.length > MAX_CHARACTERS) return `it is longer than ${MAX_CHARACTERS} characters`;
  const name = REFERENCE.exec(text)?.[1];
  if (name !== undefined) return name.length > MAX_NAME ? `the name is longer than ${MAX_NAME} characters` : undefined;
  const path = text.replace(/^[^/]*[.:][^/]*\//, '');
  if (/[A-Z]/.test(path.replace(/[:@].*$/, ''))) return 'the name of a repository must be lowercase';
  return 'it is no name of an image';
}
