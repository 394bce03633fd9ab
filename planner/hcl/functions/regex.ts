import { MatchTooLong, Matcher } from '../regexp/match.ts';
import type { Captures } from '../regexp/match.ts';
import type { Program } from '../regexp/program.ts';
import { programOf } from '../regexp/program.ts';
import { PatternError } from '../regexp/syntax.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Type } from '../type.ts';
import { STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { object, tuple } from '../value.ts';
import { define, list, nfc, refuseLongText, string, textAt } from './define.ts';

/** Regular expressions of RE2 (zclconf/go-cty `function/stdlib/regexp.go`, `string_replace.go`). */
export const REGEX_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  regex: define([string('pattern'), string('string')], (args) => {
    const program = programAt(args, 0);
    const whole = textAt(args, 1);
    const found = bounded(() => new Matcher(program, whole).find(0));
    if (found === undefined) throw new CallError('pattern did not match any part of the given string');
    return result(program, whole, found);
  }),
  regexall: define([string('pattern'), string('string')], (args) => {
    const program = programAt(args, 0);
    const whole = textAt(args, 1);
    const found = bounded(() => new Matcher(program, whole).findAll());
    return list(
      resultType(program),
      found.map((captures) => result(program, whole, captures)),
    );
  }),
  regex_replace: define([string('str'), string('pattern'), string('replace')], (args) => {
    const [whole, source, replacement] = [textAt(args, 0), textAt(args, 1), textAt(args, 2)];
    const program = compiled(source, ({ message, part }) => {
      throw new CallError(`error parsing regexp: ${message}: \`${part}\``, 1);
    });
    let length = whole.length;
    return nfc(
      bounded(() =>
        new Matcher(program, whole).replaceAll((captures) => {
          const by = expanded(replacement, program, whole, captures);
          length += by.length;
          refuseLongText(length);
          return by;
        }),
      ),
    );
  }),
};

function compiled(source: string, failed: (error: PatternError) => never): Program {
  try {
    return programOf(source);
  } catch (error) {
    if (error instanceof PatternError) return failed(error);
    throw error;
  }
}

function programAt(args: readonly Value[], at: number): Program {
  const program = compiled(textAt(args, at), ({ message, part }) => {
    throw new CallError(`invalid regexp pattern: ${message} in ${part}`, at);
  });
  if (new Set(program.groups.map((name) => name === '')).size > 1) {
    throw new CallError('invalid regexp pattern: cannot mix both named and unnamed capture groups', at);
  }
  return program;
}

function bounded<T>(match: () => T): T {
  try {
    return match();
  } catch (error) {
    if (error instanceof MatchTooLong) throw new CallError(error.message);
    throw error;
  }
}

/** Text without groups, a tuple of groups without names, an object of groups with. */
function resultType({ groups }: Program): Type {
  const [first] = groups;
  if (first === undefined) return STRING;
  if (first === '') return { is: 'tuple', items: groups.map(() => STRING) };
  return { is: 'object', attributes: new Map(groups.map((name) => [name, STRING])), optional: new Set() };
}

function result({ groups }: Program, whole: string, captures: Captures): Value {
  const [first] = groups;
  if (first === undefined) return nfc(group(whole, captures, 0) ?? '');
  const values = groups.map((_, at): Value => {
    const found = group(whole, captures, at + 1);
    return found === undefined ? { is: 'null', type: STRING } : nfc(found);
  });
  if (first === '') return tuple(values);
  return object(groups.map((name, at) => [name, values[at] ?? { is: 'null', type: STRING }] as const));
}

function group(whole: string, captures: Captures, index: number): string | undefined {
  const [start, end] = [captures[index * 2], captures[index * 2 + 1]];
  return start === undefined || end === undefined ? undefined : whole.slice(start, end);
}

/** `$1`, `${1}`, `$name`, `${name}`, and `$$` for a dollar; other dollars stay (Go `Regexp.Expand`). */
function expanded(replacement: string, { groups }: Program, whole: string, captures: Captures): string {
  return replacement.replace(
    /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (dollar: string, braced: string | undefined, plain: string | undefined) => {
      const name = braced ?? plain;
      if (name === undefined) return dollar.slice(1);
      if (/^(?:0|[1-9]\d*)$/.test(name)) return Number(name) < 1e8 ? (group(whole, captures, Number(name)) ?? '') : '';
      const index = groups.findIndex((one, at) => one === name && group(whole, captures, at + 1) !== undefined);
      return index < 0 ? '' : (group(whole, captures, index + 1) ?? '');
    },
  );
}
