import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** What a field may hold. */
export type TemplateValue = string | number | boolean | readonly string[] | undefined;

/** What `.` stands for; the order of its keys is that of `json`. */
export type TemplateRecord = Readonly<Record<string, TemplateValue>>;

/** A format that has been read, to be filled in with one record after the other. */
export interface Template {
  fill(record: TemplateRecord): string;
  /** The titles above its columns: each field's own, and no function applied. */
  heading(titles: Readonly<Record<string, string>>): string;
}

type Part = string | readonly (readonly string[])[];

const FUNCTIONS: Readonly<
  Record<string, (value: TemplateValue | TemplateRecord, more: readonly string[]) => TemplateValue>
> = {
  json: (value) => goJsonLine(value),
  join: (value, [between = '']) => (Array.isArray(value) ? value.join(between) : shown(value)),
  lower: (value) => shown(value).toLowerCase(),
  upper: (value) => shown(value).toUpperCase(),
};

/**
 * A Go template as `--format` takes it: text, `{{.Field}}`, `{{json .}}`, `{{join .Field ","}}`, `{{.Field | lower}}`, and
 * `\t`, `\n` between them (docker/cli `formatter`). What else Go knows is refused by name.
 */
export function goTemplate(text: string, fields: readonly string[]): Result<Template, string> {
  const parts: Part[] = [];
  const source = text.trim().replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  let rest = 0;
  for (const action of source.matchAll(/\{\{(-\s)?((?:"(?:\\.|[^"\\])*"|[^"}])*?)(\s-)?\}\}/g)) {
    const before = source.slice(rest, action.index);
    parts.push(action[1] === undefined ? before : before.trimEnd());
    rest = action.index + action[0].length;
    if (action[3] !== undefined) rest += source.slice(rest).length - source.slice(rest).trimStart().length;
    const pipeline = pipelineOf(action[2] ?? '');
    const problem = problemOf(pipeline, fields);
    if (problem !== undefined) return fail(`template parsing error: ${problem}`);
    parts.push(pipeline);
  }
  parts.push(source.slice(rest));
  if (parts.some((part) => typeof part === 'string' && part.includes('{{')))
    return fail('template parsing error: an action that begins with {{ does not end');
  return ok({
    fill: (record) => parts.map((part) => (typeof part === 'string' ? part : shown(run(part, record)))).join(''),
    heading: (titles) =>
      parts.map((part) => (typeof part === 'string' ? part : (titles[fieldOf(part) ?? ''] ?? ''))).join(''),
  });
}

function pipelineOf(action: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const [word] of action.matchAll(/"(?:\\.|[^"\\])*"|\||[^\s|"]+/g)) {
    if (word === '|') commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return commands;
}

function problemOf(pipeline: readonly (readonly string[])[], fields: readonly string[]): string | undefined {
  for (const [at, words] of pipeline.entries()) {
    const [first = ''] = words;
    const isValue = first.startsWith('.');
    if (!isValue && !Object.hasOwn(FUNCTIONS, first))
      return `${JSON.stringify(first)} is not known here; fields begin with a dot, and ${Object.keys(FUNCTIONS).join(', ')} are the functions`;
    if (isValue && (at > 0 || words.length > 1)) return `${JSON.stringify(words.join(' '))} is no function`;
    for (const word of words) {
      if (word.startsWith('.') && word !== '.' && !fields.includes(word.slice(1)))
        return `there is no field ${JSON.stringify(word.slice(1))}; there are ${fields.join(', ')}`;
    }
  }
  return undefined;
}

function run(pipeline: readonly (readonly string[])[], record: TemplateRecord): TemplateValue | TemplateRecord {
  const valueOf = (word: string): TemplateValue | TemplateRecord => {
    if (word === '.') return record;
    return word.startsWith('.') ? record[word.slice(1)] : unquoted(word);
  };
  let piped: readonly (TemplateValue | TemplateRecord)[] = [];
  for (const [first = '', ...words] of pipeline) {
    const isValue = first.startsWith('.');
    // Go hands what comes down the pipe to a function as its last argument.
    const [value, ...more] = [...words.map(valueOf), ...piped];
    piped = [isValue ? valueOf(first) : FUNCTIONS[first]?.(value, more.map(shown))];
  }
  return piped[0];
}

function fieldOf(pipeline: readonly (readonly string[])[]): string | undefined {
  return pipeline
    .flat()
    .find((word) => word.startsWith('.') && word !== '.')
    ?.slice(1);
}

function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
}

/** As Go prints a value: a list in brackets, with spaces between. */
function shown(value: TemplateValue | TemplateRecord): string {
  if (Array.isArray(value)) return `[${value.join(' ')}]`;
  return value === undefined ? '' : typeof value === 'object' ? goJsonLine(value) : String(value);
}

/**
 * JSON on one line as Go's encoder writes it: an empty list is null, two line separators are escaped; inside a record, which
 * docker encodes in a way of its own, so is what HTML would read.
 */
function goJsonLine(value: TemplateValue | TemplateRecord): string {
  const text = JSON.stringify(value, (_key, item: unknown) => (Array.isArray(item) && item.length === 0 ? null : item));
  const isRecord = typeof value === 'object' && !Array.isArray(value);
  return (text ?? 'null').replace(
    isRecord ? /[<>&\u2028\u2029]/g : /[\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
