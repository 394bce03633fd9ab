import type { BuiltTarget } from '../../runtime/build/build.ts';
import { printable } from './text.ts';

/** Which names of images that went to several registries are there, a line each; empty when all of them are. */
export function pushesText(built: readonly BuiltTarget[]): string {
  const all = built.flatMap(({ pushes }) => pushes);
  if (all.every(({ is }) => is === 'pushed')) return '';
  const width = Math.max(...all.map(({ name }) => printable(name).length));
  const lines = all.map((push) => {
    const result = push.is === 'pushed' ? `pushed ${push.digest}` : 'NOT pushed';
    return `  ${printable(push.name).padEnd(width)}  ${result}\n`;
  });
  return lines.join('');
}
