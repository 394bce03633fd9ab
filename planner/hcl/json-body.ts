import type { Diagnostic } from '../diagnostic.ts';
import type { ReadableText, SourceFile, Span } from '../source.ts';
import type { Attribute, Block, Body, Expression, Label } from './ast.ts';
import { HclError } from './error.ts';
import { ExpressionParser, numberOf, templateExpression } from './expression-parser.ts';
import type { JsonMember, JsonNode, JsonText } from './json-reader.ts';
import { readJson } from './json-reader.ts';
import { readWhole } from './template.ts';

/**
 * What a body may hold. JSON alone does not tell blocks from attributes, nor bare words from strings; whoever reads a file
 * has to say.
 */
export interface BodySchema {
  /** Names of block types, each with whether its blocks have a label and what they hold. */
  readonly blocks?: ReadonlyMap<string, { readonly labelled: boolean; readonly body: BodySchema }>;
  /** Names of attributes whose strings are bare expressions (`"type": "list(string)"`). */
  readonly words?: ReadonlySet<string>;
}

/**
 * Reads a file of HCL's JSON syntax (HCL JSON syntax specification). Strings are templates, names of properties that stand
 * for blocks are their types and labels. Gives what could be read, and everything that is wrong.
 */
export function parseHclJson(
  file: SourceFile,
  schema: BodySchema,
): { readonly body: Body; readonly diagnostics: readonly Diagnostic[] } {
  const empty: Body = { attributes: new Map(), blocks: [], span: { file, start: 0, end: 0 } };
  try {
    const root = readJson(file);
    const converter = new BodyConverter();
    if (root.is !== 'object') {
      const hint = 'the whole file is one object: { "target": { ... } }';
      return { body: empty, diagnostics: [problem('A JSON object is expected here', hint, root.span)] };
    }
    return { body: converter.body([root], schema), diagnostics: converter.diagnostics };
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    return { body: empty, diagnostics: error.diagnostics };
  }
}

type ObjectNode = Extract<JsonNode, { is: 'object' }>;

class BodyConverter {
  readonly diagnostics: Diagnostic[] = [];

  body(objects: readonly ObjectNode[], schema: BodySchema): Body {
    const attributes = new Map<string, Attribute>();
    const blocks: Block[] = [];
    for (const { members } of objects) {
      for (const member of members) {
        const name = member.name.text;
        const block = schema.blocks?.get(name);
        if (block === undefined && name === '//') continue;
        if (block === undefined) this.#attribute(member, attributes, schema);
        else if (block.labelled) this.#labelled(member, block.body, blocks);
        else blocks.push(...this.#bodies(member, member, [], block.body));
      }
    }
    const [first] = objects;
    const span = first?.span ?? { file: { name: '', text: '' }, start: 0, end: 0 };
    return { attributes, blocks, span };
  }

  #attribute(member: JsonMember, attributes: Map<string, Attribute>, schema: BodySchema): void {
    const { name, value } = member;
    const known = attributes.get(name.text);
    if (known !== undefined) {
      this.diagnostics.push({
        ...problem(`The attribute ${name.text} is set twice in one block`, 'keep one of them', name.span),
        reason: 'attribute-redefined',
        related: [{ message: 'it is set here first', span: known.nameSpan }],
      });
      return;
    }
    try {
      attributes.set(name.text, {
        name: name.text,
        nameSpan: name.span,
        expression: schema.words?.has(name.text) === true ? bareExpression(value) : expressionOf(value),
        span: { ...name.span, end: value.span.end },
      });
    } catch (error) {
      if (!(error instanceof HclError)) throw error;
      this.diagnostics.push(...error.diagnostics);
    }
  }

  /** `"target": { "app": BODY }`, where a list of objects may stand instead of one. */
  #labelled(type: JsonMember, schema: BodySchema, blocks: Block[]): void {
    const objects = type.value.is === 'array' ? type.value.items : [type.value];
    if (objects.length === 0 || type.value.is === 'null') {
      this.#tell(`A name is missing: which ${type.name.text}?`, exampleOf(type), type.value.span);
    }
    for (const one of objects) {
      if (one.is === 'object') {
        for (const label of one.members) blocks.push(...this.#bodies(type, label, [labelOf(label.name)], schema));
      } else if (one.is !== 'null') {
        this.#tell('An object with names is expected here', exampleOf(type), one.span);
      }
    }
  }

  /** The blocks of one label (or of one type without labels): an object is one, a list of objects several, null none. */
  #bodies(type: JsonMember, holder: JsonMember, labels: readonly Label[], schema: BodySchema): readonly Block[] {
    const { value } = holder;
    const objects = value.is === 'array' ? value.items : value.is === 'null' ? [] : [value];
    return objects.flatMap((one): readonly Block[] => {
      if (one.is === 'object') {
        return [
          {
            type: type.name.text,
            typeSpan: type.name.span,
            labels,
            body: this.body([one], schema),
            braceSpan: { ...one.span, end: one.span.start + 1 },
            headerSpan: holder.name.span,
          },
        ];
      }
      this.#tell(`An object is expected here, with what the ${type.name.text} holds`, exampleOf(type), one.span);
      return [];
    });
  }

  #tell(message: string, hint: string, span: Span): void {
    this.diagnostics.push(problem(message, hint, span));
  }
}

function problem(message: string, hint: string, span: Span): Diagnostic {
  return { reason: 'syntax', message, hint, span };
}

function exampleOf(type: JsonMember): string {
  return `write "${type.name.text}": { "name": { ... } }`;
}

function labelOf({ text, span }: JsonText): Label {
  return { text, span };
}

/** A value as an expression: strings are templates, and so are the names in objects. */
function expressionOf(node: JsonNode): Expression {
  const { span } = node;
  switch (node.is) {
    case 'text':
      return templateOf(node);
    case 'number':
      return { is: 'number', value: numberOf(node.digits, span), span };
    case 'bool':
      return { is: 'bool', value: node.value, span };
    case 'null':
      return { is: 'null', span };
    case 'array':
      return { is: 'tuple', items: node.items.map(expressionOf), span };
    case 'object':
      refuseTwice(node);
      return {
        is: 'object',
        items: node.members.map(({ name, value }) => ({ key: templateOf(name), value: expressionOf(value) })),
        span,
      };
  }
}

function refuseTwice(node: ObjectNode): void {
  const known = new Map<string, Span>();
  for (const { name } of node.members) {
    const first = known.get(name.text);
    if (first !== undefined) {
      throw new HclError({
        ...problem(`${JSON.stringify(name.text)} is set twice in one object`, 'keep one of them', name.span),
        related: [{ message: 'it is set here first', span: first }],
      });
    }
    known.set(name.text, name.span);
  }
}

function templateOf(node: JsonText): Expression {
  const source = decodedText(node);
  return templateExpression(
    readWhole(source, (position) => new ExpressionParser(source, position)),
    node.span,
  );
}

/** A string that stands for bare words; lists of them likewise. */
function bareExpression(node: JsonNode): Expression {
  if (node.is === 'array') return { is: 'tuple', items: node.items.map(bareExpression), span: node.span };
  if (node.is !== 'text') return expressionOf(node);
  const parser = new ExpressionParser(decodedText(node));
  const expression = parser.expression();
  const rest = parser.peek();
  if (rest.kind !== 'end') throw parser.error(rest, 'Nothing may follow this expression', 'take it out');
  return expression;
}

/** The string as the template parser reads it; its places are those in the file. */
function decodedText({ text, offsets, span }: JsonText): ReadableText {
  const at = (offset: number): number => offsets[offset] ?? span.end - 1;
  return { text, span: (start, end) => ({ file: span.file, start: at(start), end: at(end) }) };
}
