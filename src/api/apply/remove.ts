import { assign, isObject, type JsonObject } from '../patch/json-value.ts';
import { childOf, type FieldSet, type FieldSetBuilder, childrenOf, isMember } from './field-set.ts';
import { DEDUCED, knownType, type ListType, memberTypeOf, type MergeType, typeBelow } from './merge-type.ts';
import { fieldElement, fieldName, itemElement } from './path-element.ts';

/** A value without the fields of a set; undefined when nothing is left of it. */
export function removeFields(value: unknown, set: FieldSet, type: MergeType): unknown {
  const known = knownType(type, value);
  if (known.kind === 'scalar') return value;
  if (known.kind === 'list') return Array.isArray(value) ? removeItems(value, set, known) : value;
  if (known.atomic || !isObject(value)) return value;
  const left: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const below = childOf(set, fieldElement(key));
    if (below === undefined) {
      assign(left, key, member);
    } else if (!isMember(below)) {
      const rest = removeFields(member, below, memberTypeOf(known, key) ?? DEDUCED);
      if (rest !== undefined) assign(left, key, rest);
    }
  }
  return Object.keys(left).length === 0 && Object.keys(value).length > 0 ? undefined : left;
}

function removeItems(list: readonly unknown[], set: FieldSet, type: ListType): unknown {
  if (type.list === 'atomic') return list;
  const left: unknown[] = [];
  for (const item of list) {
    const below = childOf(set, itemElement(type, item));
    if (below === undefined) left.push(item);
    else if (!isMember(below)) left.push(removeFields(item, below, type.item) ?? item);
  }
  return left.length === 0 && list.length > 0 ? undefined : left;
}

/** The set with each struct field that something is known of below itself in it: so that emptied structs go, too. */
export function withNamedFields(set: FieldSet, type: MergeType, member: boolean = false): FieldSet {
  const wider: FieldSetBuilder = {};
  if (member) wider['.'] = {};
  for (const [element, child] of childrenOf(set)) {
    const name = fieldName(element);
    const named = name !== undefined && type.kind === 'struct' && type.field(name) !== undefined;
    const isLeaf = Object.keys(child).length === 0;
    wider[element] = isLeaf ? child : withNamedFields(child, typeBelow(type, element), named || isMember(child));
  }
  return wider;
}
