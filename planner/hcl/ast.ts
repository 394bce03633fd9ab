import type { Span } from '../source.ts';
import type { HclNumber } from './number.ts';

/** A file or the inside of a block (HCL native syntax specification, "Bodies"). */
export interface Body {
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly Block[];
  readonly span: Span;
}

/** `name = expression`. */
export interface Attribute {
  readonly name: string;
  readonly nameSpan: Span;
  readonly expression: Expression;
  readonly span: Span;
}

/** `type "label" { ... }`. */
export interface Block {
  readonly type: string;
  readonly typeSpan: Span;
  readonly labels: readonly Label[];
  readonly body: Body;
  /** The opening brace. */
  readonly braceSpan: Span;
  /** Type and labels, without the body. */
  readonly headerSpan: Span;
}

export interface Label {
  readonly text: string;
  readonly span: Span;
}

/** An expression; every node knows where it stands. */
export type Expression =
  | { readonly is: 'string'; readonly value: string; readonly span: Span }
  | { readonly is: 'number'; readonly value: HclNumber; readonly span: Span }
  | { readonly is: 'bool'; readonly value: boolean; readonly span: Span }
  | { readonly is: 'null'; readonly span: Span }
  | { readonly is: 'template'; readonly parts: readonly TemplatePart[]; readonly span: Span }
  | { readonly is: 'variable'; readonly name: string; readonly span: Span }
  | {
      readonly is: 'attribute';
      readonly of: Expression;
      readonly name: string;
      readonly nameSpan: Span;
      readonly span: Span;
    }
  | { readonly is: 'index'; readonly of: Expression; readonly key: Expression; readonly span: Span }
  | { readonly is: 'splat'; readonly of: Expression; readonly each: Expression; readonly span: Span }
  /** The element that the steps after a splat start from. */
  | { readonly is: 'splat-item'; readonly span: Span }
  | {
      readonly is: 'call';
      readonly name: string;
      readonly nameSpan: Span;
      readonly args: readonly Expression[];
      readonly expand: boolean;
      readonly span: Span;
    }
  | { readonly is: 'unary'; readonly operator: '-' | '!'; readonly operand: Expression; readonly span: Span }
  | {
      readonly is: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    }
  | {
      readonly is: 'conditional';
      readonly condition: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
      readonly span: Span;
    }
  | { readonly is: 'tuple'; readonly items: readonly Expression[]; readonly span: Span }
  | { readonly is: 'object'; readonly items: readonly ObjectItem[]; readonly span: Span }
  | ForExpression
  /** `a.b` as the key of an object, which may be a name or a value. */
  | { readonly is: 'ambiguous-key'; readonly span: Span }
  | { readonly is: 'parentheses'; readonly inner: Expression; readonly span: Span };

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '&&' | '||';

/** `key = value`; a bare identifier as key is its own text. */
export interface ObjectItem {
  readonly key: Expression;
  readonly value: Expression;
}

/** `[for k, v in c : value if cond]` or `{for k, v in c : key => value... if cond}`. */
export interface ForExpression {
  readonly is: 'for';
  readonly keyName?: string;
  readonly valueName: string;
  readonly collection: Expression;
  /** Present in the object form. */
  readonly key?: Expression;
  readonly value: Expression;
  readonly condition?: Expression;
  /** `...`: values of equal keys are put together. */
  readonly grouping: boolean;
  readonly span: Span;
}

/** A piece of a quoted string or a heredoc. */
export type TemplatePart =
  | { readonly is: 'text'; readonly text: string; readonly span: Span }
  | { readonly is: 'interpolation'; readonly expression: Expression; readonly span: Span }
  | {
      readonly is: 'if';
      readonly condition: Expression;
      readonly then: readonly TemplatePart[];
      readonly otherwise: readonly TemplatePart[];
      readonly span: Span;
    }
  | {
      readonly is: 'for';
      readonly keyName?: string;
      readonly valueName: string;
      readonly collection: Expression;
      readonly body: readonly TemplatePart[];
      readonly span: Span;
    };
