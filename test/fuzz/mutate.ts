import type { Kind, Seed } from './corpus.ts';
import { randomExpression } from './expression.ts';
import type { Draw } from './random.ts';
import { drawOf } from './random.ts';
import { randomCompose, randomYaml } from './yaml.ts';

/** Pieces that parsers stumble over. */
const PIECES: readonly string[] = [
  '${', '%{', '}', '~}', '${~', '%{ if true }', '%{ endif }', '%{ for x in [1] }', '%{ endfor }', '"', '\\', '\\u00', '$${',
  '<<EOT\n', '<<-EOT\n', '\nEOT\n', '[', ']', '{', '}', '(', ')', '...', '=>', '?', ':', '==', '&&', '||', '!', '-', '*', '/',
  '%', '.*', '[*]', '.', ',', '\n', '\r\n', '\t', '#', '//', '/*', '*/', ' for x in y : ', 'null', 'true', '1e999', '1e-999',
  '0.1', '-0', '99999999999999999999999999', '\u0000', '\uFEFF', '\u{1F600}', 'e\u0301', 'target', 'group "default" {',
  'variable "V" {', 'function "f" {', 'matrix = {', '- ', ': ', '? ', '*a', '&a ', '<<: ', '!reset ', '!!binary ', '|-\n', '>+\n', '---\n', '...\n', '%YAML', '    ',
  '${V:-', '$$', "'", 'export ', 'name = ', 'inherits = [', 'target.default.tags', 'try(', 'convert(',
]; // prettier-ignore

/** The mutated definition of a number: the same for the same number and corpus. */
export function mutated(number: number, seeds: readonly Seed[]): Seed {
  const draw = drawOf(number);
  const seed = draw.pick<Seed>(seeds, { kind: 'bake', name: 'fuzz.hcl', text: '' });
  if (seed.kind === 'compose' && draw.chance(0.35)) return { ...seed, text: randomCompose(draw) };
  const alike = seeds.filter(({ kind }) => kind === seed.kind);
  const other = draw.pick(alike, seed);
  const change = draw.chance(0.65) ? changeLine : changeCharacters;
  let { text } = seed;
  for (let rounds = 1 + draw.below(3); rounds > 0; rounds--) text = change(text, other.text, draw, seed.kind);
  if (seed.kind !== 'bake') return { ...seed, text };
  return { ...seed, name: draw.chance(0.03) ? draw.pick(['fuzz', 'fuzz.JSON'], 'fuzz') : seed.name, text };
}

const ASSIGNMENTS: Readonly<Record<Kind, RegExp>> = {
  bake: /^(\s*[\w-]+\s*=\s*)(.*?)(\s*}?\s*)$/,
  compose: /^(\s*(?:- +)*[\w."-]+:\s*|\s*- +)(.*?)(\s*)$/,
  env: /^(\s*[\w.-]+\s*[=:])(.*?)(\s*)$/,
};

/** Changes that leave most of the grammar as it is: values, lines and names change places. */
function changeLine(text: string, other: string, draw: Draw, kind: Kind): string {
  const lines = text.split('\n');
  const theirs = other.split('\n');
  const at = draw.below(lines.length);
  const line = lines[at] ?? '';
  const assignment = ASSIGNMENTS[kind].exec(line);
  const value = (): string => (kind === 'bake' ? randomExpression(draw) : randomYaml(draw));
  switch (draw.below(7)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(at, 0, draw.pick(theirs, ''));
      break;
    case 2:
      lines.splice(at, 0, line);
      break;
    case 3:
      return swapNames(text, draw);
    default:
      if (assignment === null) lines.splice(at, 0, kind === 'compose' ? `C${at}: ${value()}` : `C${at} = ${value()}`);
      else lines[at] = `${assignment[1]}${value()}${assignment[3]}`;
  }
  return lines.join('\n');
}

function swapNames(text: string, { pick }: Draw): string {
  const names = [...new Set(text.match(/[A-Za-z_][\w-]*/g) ?? [])];
  const from = pick(names, '');
  return from === '' ? text : text.replaceAll(from, pick(names, from));
}

function changeCharacters(text: string, other: string, { below, chance, pick }: Draw): string {
  const at = below(text.length + 1);
  const end = Math.min(text.length, at + 1 + below(chance(0.8) ? 12 : 200));
  const from = below(other.length);
  switch (below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + pick(PIECES, '') + text.slice(at);
    case 2:
      return text.slice(0, at) + pick(PIECES, '') + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at, end).repeat(1 + below(20)) + text.slice(end);
    case 4:
      return text.slice(0, at) + other.slice(from, from + 1 + below(80)) + text.slice(at);
    case 5:
      return text.slice(0, at) + String.fromCharCode(below(0x250)) + text.slice(end);
    default:
      return text.slice(0, at);
  }
}
