import { Matcher } from '../regexp/match.ts';
import { programOf } from '../regexp/program.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { bool, compareText } from '../value.ts';
import { define, string, textAt } from './define.ts';

/** Comparing versions (docker/buildx `bake/hclparser/stdlib.go`, with the rules of Masterminds/semver 3). */
export const VERSION_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  semvercmp: define([string('version'), string('contraint')], (args) => {
    const version = parseVersion(textAt(args, 0));
    if (version === undefined) throw new CallError('invalid semantic version', 0);
    return bool(parseConstraints(textAt(args, 1)).some((group) => meetsAll(version, group)));
  }),
};

interface Version {
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  readonly prerelease: string;
}

const EXTRA = String.raw`(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`;
const VERSION = new RegExp(`^v?(\\d+)(?:\\.(\\d+))?(?:\\.(\\d+))?${EXTRA}$`);
const MAX_NUMBER = 2n ** 64n - 1n;

/** Reads a version of one to three numbers; undefined when it is none. */
function parseVersion(source: string): Version | undefined {
  const [whole, major = '0', minor = '0', patch = '0', prerelease = ''] = VERSION.exec(source) ?? [];
  const numbers = [BigInt(major), BigInt(minor), BigInt(patch)] as const;
  const startsWithZero = prerelease
    .slice(1)
    .split('.')
    .some((part) => /^0\d+$/.test(part));
  if (whole === undefined || startsWithZero || numbers.some((one) => one > MAX_NUMBER)) return undefined;
  return { numbers, prerelease: prerelease.slice(1) };
}

/** One condition: `>=1.2`. */
interface Constraint {
  readonly operator: string;
  readonly version: Version;
  /** How many of the three numbers are given. */
  readonly given: number;
}

/** Conditions are searched for with our own machine: blanks may stand nearly everywhere, too many ways for a backtracker. */
const PART = String.raw`[0-9xX*]+`;
const CONSTRAINT_VERSION = String.raw`v?${PART}(?:\.${PART})?(?:\.${PART})?(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`;
const OPERATOR = String.raw`(?:!=|>=|=>|<=|=<|~>|=|>|<|~|\^)?`;
const ONE = String.raw`(${OPERATOR})\s*(${CONSTRAINT_VERSION})`;
const ALL = String.raw`^\s*${OPERATOR}\s*${CONSTRAINT_VERSION}\s*(?:(?:\s|,\s*)${OPERATOR}\s*${CONSTRAINT_VERSION}\s*)*$`;
const HYPHEN_RANGE = String.raw`\s*(${CONSTRAINT_VERSION})\s+-\s+(${CONSTRAINT_VERSION})\s*`;

/** Groups of conditions: all of one group must hold. */
function parseConstraints(source: string): readonly (readonly Constraint[])[] {
  const plain = new Matcher(programOf(HYPHEN_RANGE), source).replaceAll(
    (captures) => `>= ${source.slice(captures[2], captures[3])}, <= ${source.slice(captures[4], captures[5])} `,
  );
  return plain.split('||').map((group) => {
    if (new Matcher(programOf(ALL), group).find(0) === undefined) throw improper(group);
    return new Matcher(programOf(ONE), group).findAll().map((captures) => {
      const constraint = constraintOf(group.slice(captures[2], captures[3]), group.slice(captures[4], captures[5]));
      if (constraint === undefined) throw improper(group);
      return constraint;
    });
  });
}

function improper(group: string): CallError {
  return new CallError(`improper constraint: ${group}`, 1);
}

function constraintOf(operator: string, source: string): Constraint | undefined {
  const [, numbers = '', rest = ''] = /^v?([0-9xX*.]+)(.*)$/.exec(source) ?? [];
  const parts = numbers.split('.');
  const wildcard = parts.findIndex((part) => /^[xX*]$/.test(part));
  const given = wildcard < 0 ? parts.length : wildcard;
  const version = parseVersion([...parts.slice(0, given), '0', '0', '0'].slice(0, 3).join('.') + rest);
  return version === undefined ? undefined : { operator, version, given };
}

/** Pre-releases count only where a condition of the group names one. */
function meetsAll(version: Version, group: readonly Constraint[]): boolean {
  if (version.prerelease !== '' && group.every((one) => one.version.prerelease === '')) return false;
  return group.every((one) => meets(version, one));
}

function meets(version: Version, constraint: Constraint): boolean {
  const { operator, version: wanted, given } = constraint;
  const order = compareVersions(version, wanted);
  const agree = (count: number): boolean =>
    wanted.numbers.slice(0, count).every((one, at) => one === version.numbers[at]);
  switch (operator) {
    case '!=':
      return given === 3 || given === 0
        ? order !== 0
        : !agree(given) || (given === 2 && version.prerelease !== wanted.prerelease);
    case '>':
      return order > 0 && (given === 3 || given === 0 || !agree(given));
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      return order <= 0 || (given < 3 && agree(given || 2));
    case '~':
    case '~>':
      return tilde(order, constraint, agree);
    case '^':
      return caret(order, constraint, agree);
    default:
      return given === 3 ? order === 0 : tilde(order, constraint, agree);
  }
}

type Agree = (count: number) => boolean;

/** `~1` and `~1.2` hold within what is given, `~1.2.3` within 1.2; 0.0.0 has no upper bound. */
function tilde(order: number, { version, given }: Constraint, agree: Agree): boolean {
  if (order < 0) return false;
  const isZero = version.numbers.every((one) => one === 0n);
  return (isZero && (given === 3 || given === 0)) || agree(Math.min(given, 2));
}

/** Holds as long as the first number that is not zero stays, or what is given if all are zero. */
function caret(order: number, { version, given }: Constraint, agree: Agree): boolean {
  if (order < 0) return false;
  const first = version.numbers.findIndex((one) => one !== 0n);
  return agree(first < 0 ? given : Math.min(first + 1, given));
}

function compareVersions(a: Version, b: Version): number {
  for (const [at, one] of a.numbers.entries()) {
    const other = b.numbers[at] ?? 0n;
    if (one !== other) return one < other ? -1 : 1;
  }
  return comparePrereleases(a.prerelease, b.prerelease);
}

/** A release comes after its pre-releases; numbers compare as such and come before words (Semantic Versioning 2, 11). */
function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? 1 : -1;
  const [left, right] = [a.split('.'), b.split('.')];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const order = comparePart(left[at], right[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
  const [aIsNumber, bIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aIsNumber && bIsNumber) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return Math.sign(compareText(a, b));
}
