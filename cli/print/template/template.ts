import type { Diagnostic } from '../../../planner/diagnostic.ts';
import { didYouMean } from '../../../planner/hcl/suggest.ts';
import type { Result } from '../../../planner/result.ts';
import { fail, ok } from '../../../planner/result.ts';
import type { SourceFile } from '../../../planner/source.ts';
import type { GoValue } from '../../../runtime/oci/go-value.ts';
import { GoStruct, isEmpty, sortedEntries } from '../../../runtime/oci/go-value.ts';
import { BadArgument, callFunction } from './functions.ts';
import { parseTemplate } from './parser.ts';
import { goText, Unprintable } from './show.ts';
import type { Command, Operand, Part, Pipeline, Place } from './syntax.ts';
import { BadTemplate } from './syntax.ts';

/** A Go template that has been read. */
export interface ReadTemplate {
  /** The names of the fields that it speaks of, at any depth; `''` where it speaks of all (`{{json .}}`). */
  readonly names: ReadonlySet<string>;
  /** Its text for a value. Fails with the place of what cannot be filled in. */
  fill(value: GoStruct): Result<string, Diagnostic>;
}

/**
 * Reads a Go template (`text/template`, with docker buildx's `json`): all of it but templates within templates, `break` and
 * `continue`, and functions for HTML and URLs. Fails with the place of what is wrong.
 */
export function readTemplate(file: SourceFile): Result<ReadTemplate, Diagnostic> {
  return caught(() => {
    const parts = parseTemplate(file);
    return { names: namesIn(parts), fill: (value) => caught(() => new Filling(file, value).text(parts)) };
  });
}

function caught<T>(work: () => T): Result<T, Diagnostic> {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof BadTemplate) return fail(error.diagnostic);
    throw error;
  }
}

function namesIn(parts: readonly Part[]): ReadonlySet<string> {
  const names = new Set<string>();
  const ofPipeline = ({ commands }: Pipeline): void => {
    for (const operand of commands.flatMap(({ operands }) => operands)) {
      if (operand.is === 'pipeline') ofPipeline(operand.pipeline);
      if ('names' in operand) for (const name of operand.names.length === 0 ? [''] : operand.names) names.add(name);
    }
  };
  const ofParts = (some: readonly Part[]): void => {
    for (const part of some) {
      if (part.is === 'text') continue;
      ofPipeline(part.pipeline);
      if (part.is !== 'action') [part.body, part.otherwise].forEach(ofParts);
    }
  };
  ofParts(parts);
  return names;
}

/** What is not there at all, which is printed as `<no value>`, while nil is `<nil>` inside of lists. */
const NO_VALUE = '<no value>';

/** A key that a map does not have: all that would be in it is not there either, while of nil nothing can be asked. */
const MISSING = Symbol('missing');

class Filling {
  readonly #file: SourceFile;
  #variables: (readonly [name: string, value: GoValue])[];

  constructor(file: SourceFile, root: GoStruct) {
    this.#file = file;
    this.#variables = [['$', root]];
  }

  text(parts: readonly Part[], dot: GoValue = this.#variables[0]?.[1]): string {
    return parts.map((part) => this.#part(part, dot)).join('');
  }

  #part(part: Part, dot: GoValue): string {
    if (part.is === 'text') return part.text;
    if (part.is === 'action') {
      const value = this.#pipeline(part.pipeline, dot);
      return part.pipeline.variables.length > 0 ? '' : this.#shown(value, part.pipeline);
    }
    const depth = this.#variables.length;
    const text = part.is === 'range' ? this.#range(part, dot) : this.#branch(part, dot);
    this.#variables = this.#variables.slice(0, depth);
    return text;
  }

  #branch(part: Extract<Part, { readonly is: 'if' | 'with' | 'range' }>, dot: GoValue): string {
    const value = this.#pipeline(part.pipeline, dot);
    if (isEmpty(value)) return this.text(part.otherwise, dot);
    return this.text(part.body, part.is === 'with' ? value : dot);
  }

  #range({ pipeline, body, otherwise }: Extract<Part, { readonly is: 'if' | 'with' | 'range' }>, dot: GoValue): string {
    const value = this.#pipeline({ ...pipeline, variables: [] }, dot);
    const entries = this.#entries(value, pipeline);
    if (entries.length === 0) return this.text(otherwise, dot);
    const depth = this.#variables.length;
    return entries
      .map(([key, item]) => {
        this.#variables = this.#variables.slice(0, depth);
        const given = pipeline.variables.length === 2 ? [key, item] : [item];
        pipeline.variables.forEach((name, at) => this.#set(name, given[at], pipeline));
        return this.text(body, item);
      })
      .join('');
  }

  #entries(value: GoValue, place: Place): readonly (readonly [GoValue, GoValue])[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value.map((item: GoValue, at) => [BigInt(at), item]);
    if (value instanceof Map) return sortedEntries(value as ReadonlyMap<string, GoValue>);
    throw this.#bad(place, 'range goes over lists and maps, and this is neither');
  }

  #set(name: string, value: GoValue, { assigns }: Pipeline): void {
    const at = assigns ? this.#variables.findLastIndex(([known]) => known === name) : -1;
    if (at === -1) this.#variables.push([name, value]);
    else this.#variables[at] = [name, value];
  }

  #pipeline(pipeline: Pipeline, dot: GoValue): GoValue {
    let value: GoValue;
    pipeline.commands.forEach((command, at) => {
      value = this.#command(command, dot, at === 0 ? [] : [value]);
    });
    pipeline.variables.forEach((name) => this.#set(name, value, pipeline));
    return value;
  }

  #command({ operands, ...place }: Command, dot: GoValue, piped: readonly GoValue[]): GoValue {
    const [first, ...rest] = operands;
    if (first === undefined) return undefined;
    if (first.is !== 'function') return this.#value(first, dot);
    if (first.name === 'and' || first.name === 'or') return this.#truth(first.name, rest, { dot, piped });
    const args = [...rest.map((operand) => this.#value(operand, dot)), ...piped];
    try {
      return callFunction(first.name, args);
    } catch (error) {
      if (error instanceof BadArgument) throw this.#bad(place, `${first.name}: ${error.message}`);
      if (error instanceof Unprintable) throw this.#unprintable(place, error.type);
      throw error;
    }
  }

  /** The first value that decides, else the last; what comes after it is not looked at. */
  #truth(
    name: 'and' | 'or',
    operands: readonly Operand[],
    { dot, piped }: { readonly dot: GoValue; readonly piped: readonly GoValue[] },
  ): GoValue {
    let value: GoValue;
    for (const operand of operands) {
      value = this.#value(operand, dot);
      if (isEmpty(value) === (name === 'and')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #value(operand: Operand, dot: GoValue): GoValue {
    switch (operand.is) {
      case 'dot':
        return this.#field(dot, operand.names, operand);
      case 'variable':
        return this.#field(this.#variable(operand.name), operand.names, operand);
      case 'pipeline':
        return this.#field(this.#pipeline(operand.pipeline, dot), operand.names, operand);
      case 'function':
        return this.#command({ ...operand, operands: [operand] }, dot, []);
      case 'constant':
        return operand.value;
    }
  }

  #variable(name: string): GoValue {
    return this.#variables.findLast(([known]) => known === name)?.[1];
  }

  #field(value: GoValue, names: readonly string[], place: Place): GoValue {
    const found = names.reduce<GoValue | typeof MISSING>((within, name) => {
      if (within === MISSING) return MISSING;
      if (within === undefined) throw this.#bad(place, `there is nothing here of which to give ${name}`);
      if (within instanceof Map) return within.has(name) ? (within as ReadonlyMap<string, GoValue>).get(name) : MISSING;
      if (!(within instanceof GoStruct)) throw this.#bad(place, `there is no field ${name} in what has no fields`);
      if (within.isNil) throw this.#bad(place, `there is no ${within.type} here of which to give ${name}`);
      const field = within.field(name);
      if (field !== undefined) return field.value;
      const known = within.fields.map((one) => one.name);
      throw this.#bad(
        place,
        `there is no field ${JSON.stringify(name)}`,
        didYouMean(name, known, `there are ${known.join(', ')}`),
      );
    }, value);
    return found === MISSING ? undefined : found;
  }

  #shown(value: GoValue, place: Place): string {
    try {
      return value === undefined ? NO_VALUE : goText(value);
    } catch (error) {
      if (error instanceof Unprintable) throw this.#unprintable(place, error.type);
      throw error;
    }
  }

  #unprintable(place: Place, type: string): BadTemplate {
    const written = this.#file.text.slice(place.start, place.end).replace(/^\{\{-?\s*|\s*-?\}\}$/g, '');
    return this.#bad(place, `${type} has no text of its own`, `{{json ${written}}} writes it as JSON`);
  }

  #bad(place: Place, message: string, hint?: string): BadTemplate {
    return new BadTemplate(this.#file, place, message, hint);
  }
}
