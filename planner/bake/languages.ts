import type { Diagnostic } from '../diagnostic.ts';
import type { Body } from '../hcl/ast.ts';
import { parseHclJson } from '../hcl/json-body.ts';
import { parseHcl } from '../hcl/parser.ts';
import type { SourceFile } from '../source.ts';
import { DEFINITION_SCHEMA } from './schema.ts';

/** What a definition file can be written in. */
export type Language = 'compose' | 'hcl' | 'json';

/** The languages a file may be in, in the order in which they are tried (buildx `bake/bake.go`, `ParseFile`). */
export function languagesOf(name: string): readonly Language[] {
  if (/\.ya?ml$/i.test(name)) return ['compose'];
  if (name.endsWith('.json')) return ['json'];
  if (name.endsWith('.hcl')) return ['hcl'];
  return /\.(?:json|hcl)$/i.test(name) ? ['hcl', 'json'] : ['compose', 'hcl', 'json'];
}

/** What a file says, with all its mistakes. */
export interface ParsedFile {
  readonly body: Body;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a file in the first of its languages (HCL's native syntax or JSON) that fits. */
export function parseDefinition(file: SourceFile, languages: readonly Language[]): ParsedFile {
  if (!languages.includes('hcl')) return parseHclJson(file, DEFINITION_SCHEMA);
  const native = parseHcl(file);
  if (native.diagnostics.length === 0 || !languages.includes('json')) return native;
  const json = parseHclJson(file, DEFINITION_SCHEMA);
  return json.diagnostics.length === 0 || /^\s*[[{]/.test(file.text) ? json : native;
}
