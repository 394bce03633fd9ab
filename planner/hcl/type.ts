/** A type constraint (HCL "type constraints"; zclconf/go-cty). `any` stands for "whatever it turns out to be". */
export type Type =
  | { readonly is: 'string' | 'number' | 'bool' | 'any' }
  | { readonly is: 'list' | 'set' | 'map'; readonly element: Type }
  | { readonly is: 'tuple'; readonly items: readonly Type[] }
  | { readonly is: 'object'; readonly attributes: ReadonlyMap<string, Type>; readonly optional: ReadonlySet<string> };

export const STRING: Type = { is: 'string' };
export const NUMBER: Type = { is: 'number' };
export const BOOL: Type = { is: 'bool' };
export const ANY: Type = { is: 'any' };

/** Whether two types are the same. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.is !== b.is) return false;
  if ('element' in a && 'element' in b) return sameType(a.element, b.element);
  if (a.is === 'tuple' && b.is === 'tuple') {
    return a.items.length === b.items.length && a.items.every((item, at) => sameType(item, b.items[at] ?? ANY));
  }
  if (a.is === 'object' && b.is === 'object') {
    return (
      a.attributes.size === b.attributes.size &&
      [...a.attributes].every(([name, type]) => {
        const other = b.attributes.get(name);
        return other !== undefined && sameType(type, other);
      })
    );
  }
  return true;
}

/** The type in a word or two, as a person would say it: `list of string`. */
export function describeType(type: Type): string {
  switch (type.is) {
    case 'list':
    case 'set':
    case 'map':
      return `${type.is} of ${describeType(type.element)}`;
    case 'any':
      return 'any type';
    default:
      return type.is;
  }
}
