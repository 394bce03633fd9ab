import path from 'node:path/posix';
import type { HclFunction } from '../scope.ts';
import { text } from '../value.ts';
import { define, string, textAt } from './define.ts';

/** Functions on paths and names; paths have slashes wherever this runs (docker/buildx `bake/hclparser/stdlib.go`). */
export const NAME_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  basename: define([string('path')], (args) => {
    const whole = textAt(args, 0);
    return text(path.basename(whole) || (whole === '' ? '.' : '/'));
  }),
  dirname: define([string('path')], (args) => {
    const whole = textAt(args, 0);
    const folder = path.normalize(whole.slice(0, whole.lastIndexOf('/') + 1) || '.');
    return text(folder.length > 1 ? folder.replace(/\/$/, '') : folder);
  }),
  sanitize: define([string('name')], (args) => text(textAt(args, 0).replace(/[^A-Za-z0-9_-]/gu, '_'))),
};
