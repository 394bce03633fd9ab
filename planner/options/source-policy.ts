import type { Diagnostic } from '../diagnostic.ts';
import { HclError } from '../hcl/error.ts';
import type { JsonNode } from '../hcl/json-reader.ts';
import { readJson } from '../hcl/json-reader.ts';
import { article, didYouMean } from '../hcl/suggest.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile, Span } from '../source.ts';

const ACTIONS = ['ALLOW', 'DENY', 'CONVERT'] as const;
const MATCH_TYPES = ['WILDCARD', 'EXACT', 'REGEX'] as const;
const CONDITIONS = ['EQUAL', 'NOTEQUAL', 'MATCHES'] as const;

/** What a build may fetch, and what it fetches in place of what (moby/buildkit `sourcepolicy/pb/policy.proto`). */
export interface SourcePolicy {
  readonly version: number;
  readonly rules: readonly SourceRule[];
}

/** One rule, for the sources that its selector fits. */
export interface SourceRule {
  readonly action: (typeof ACTIONS)[number];
  readonly selector: {
    readonly identifier: string;
    readonly matchType: (typeof MATCH_TYPES)[number];
    readonly constraints: readonly {
      readonly key: string;
      readonly value: string;
      readonly condition: (typeof CONDITIONS)[number];
    }[];
  };
  /** What the source becomes, with `CONVERT`. */
  readonly updates?: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>> };
}

/**
 * Reads a policy as JSON, in the way of Go's `encoding/json`, which docker buildx reads it with: names in any case, words or
 * numbers for what is one of several, `null` for nothing. What buildx passes over is a mistake here, since a policy in which a
 * name is misspelt forbids nothing: fails with all of them, each in its place.
 */
export function readSourcePolicy(file: SourceFile): Result<SourcePolicy, readonly Diagnostic[]> {
  const reader = new PolicyReader();
  try {
    const policy = reader.policy(readJson(file));
    return reader.mistakes.length > 0 ? fail(reader.mistakes) : ok(policy);
  } catch (error) {
    if (error instanceof HclError) return fail(error.diagnostics);
    throw error;
  }
}

type Fields = ReadonlyMap<string, JsonNode>;

class PolicyReader {
  readonly mistakes: Diagnostic[] = [];

  policy(node: JsonNode): SourcePolicy {
    const fields = this.#fields(node, 'a policy', ['version', 'rules']);
    const version = this.#number(fields.get('version'), 'the version of a policy');
    const rules = this.#items(fields.get('rules'), 'the rules').map((rule) => this.#rule(rule));
    return { version, rules };
  }

  #rule(node: JsonNode): SourceRule {
    const fields = this.#fields(node, 'a rule', ['action', 'selector', 'updates']);
    const [action, selector, updates] = ['action', 'selector', 'updates'].map((name) => fields.get(name));
    if (selector === undefined && node.is === 'object')
      this.#note(node.span, 'A rule says which sources it is for', 'add "selector": {"identifier": "..."}');
    const isConversion = this.#word(action, 'an action', ACTIONS) === 'CONVERT';
    if (isConversion && updates === undefined)
      this.#note(node.span, 'A rule with CONVERT says what the source becomes', 'add "updates": {"identifier": "..."}');
    return {
      action: this.#word(action, undefined, ACTIONS),
      selector: this.#selector(selector),
      ...(updates === undefined ? {} : { updates: this.#updates(updates) }),
    };
  }

  #selector(node: JsonNode | undefined): SourceRule['selector'] {
    const fields = this.#fields(node, 'a selector', ['identifier', 'match_type', 'constraints']);
    return {
      identifier: this.#text(fields.get('identifier'), 'an identifier'),
      matchType: this.#word(fields.get('match_type'), 'a match type', MATCH_TYPES),
      constraints: this.#items(fields.get('constraints'), 'the constraints').map((one) => {
        const of = this.#fields(one, 'a constraint', ['key', 'value', 'condition']);
        return {
          key: this.#text(of.get('key'), 'a key'),
          value: this.#text(of.get('value'), 'a value'),
          condition: this.#word(of.get('condition'), 'a condition', CONDITIONS),
        };
      }),
    };
  }

  #updates(node: JsonNode): NonNullable<SourceRule['updates']> {
    const fields = this.#fields(node, 'the updates', ['identifier', 'attrs']);
    const attrs = fields.get('attrs');
    const members = attrs?.is === 'object' ? attrs.members : [];
    if (attrs !== undefined && attrs.is !== 'object') this.#expected(attrs, 'the attributes', 'an object');
    return {
      identifier: this.#text(fields.get('identifier'), 'an identifier'),
      attrs: Object.fromEntries(members.map(({ name, value }) => [name.text, this.#text(value, 'an attribute')])),
    };
  }

  /** The members of an object by the names that are known; one that is `null` is not there, and of several the last counts. */
  #fields(node: JsonNode | undefined, what: string, known: readonly string[]): Fields {
    if (node === undefined) return new Map();
    if (node.is !== 'object') {
      this.#expected(node, what, 'an object');
      return new Map();
    }
    const fields = new Map<string, JsonNode>();
    for (const { name, value } of node.members) {
      const meant = known.find((one) => one === name.text.toLowerCase());
      const hint = didYouMean(name.text, known, `known are ${known.join(', ')}`);
      if (meant === undefined) this.#note(name.span, `There is no ${JSON.stringify(name.text)} in ${what}`, hint);
      else if (value.is !== 'null') fields.set(meant, value);
    }
    return fields;
  }

  #items(node: JsonNode | undefined, what: string): readonly JsonNode[] {
    if (node === undefined) return [];
    if (node.is === 'array') return node.items;
    this.#expected(node, what, 'a list');
    return [];
  }

  #text(node: JsonNode | undefined, what: string): string {
    if (node === undefined || node.is === 'null') return '';
    if (node.is === 'text') return node.text;
    this.#expected(node, what, 'a string');
    return '';
  }

  #number(node: JsonNode | undefined, what: string): number {
    if (node === undefined) return 0;
    if (node.is === 'number' && /^-?\d+$/.test(node.digits)) return Number(node.digits);
    this.#expected(node, what, 'a whole number');
    return 0;
  }

  /** One of several words, or its number; nothing is the first. */
  #word<W extends string>(node: JsonNode | undefined, what: string | undefined, words: readonly [W, ...W[]]): W {
    if (node === undefined) return words[0];
    const found =
      node.is === 'number' && /^\d$/.test(node.digits)
        ? words[Number(node.digits)]
        : words.find((word) => node.is === 'text' && node.text === word);
    if (found === undefined && what !== undefined) {
      const upper = node.is === 'text' ? node.text.toUpperCase() : '';
      const isKnown = words.some((word) => word === upper);
      const otherwise = `known are ${words.join(', ')}`;
      const hint = isKnown ? `did you mean ${JSON.stringify(upper)}?` : didYouMean(upper, words, otherwise);
      this.#note(node.span, `This is not ${what}`, hint);
    }
    return found ?? words[0];
  }

  #expected({ span, is }: JsonNode, what: string, form: string): void {
    const found = is === 'text' ? 'a string' : is === 'bool' ? 'true or false' : is === 'null' ? 'null' : article(is);
    this.#note(span, `${form.charAt(0).toUpperCase()}${form.slice(1)} is expected for ${what}`, `this is ${found}`);
  }

  #note(span: Span, message: string, hint: string): void {
    this.mistakes.push({ reason: 'bad-source-policy', message, hint, span });
  }
}
