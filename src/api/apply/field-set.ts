/**
 * A set of fields in the form in which it is stored, FieldsV1: a tree of path elements. `f:spec` is a member of an object,
 * `k:{"port":80}` an item of a list by its keys, `v:"x"` one by its value. A node without children is in the set itself;
 * one with children is when `.` is among them. So nothing is decoded: stored sets are worked on as they are.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A set that is still being built. */
export interface FieldSetBuilder {
  [element: string]: FieldSetBuilder;
}

const SELF = '.';
const LEAF: FieldSet = Object.freeze({});

export const EMPTY_SET: FieldSet = LEAF;

/** Of a whole set, whose root stands for no field. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** True where the node itself, not only something below it, is in the set. */
export function isMember(node: FieldSet): boolean {
  return SELF in node || isEmptySet(node);
}

export function childOf(set: FieldSet, element: string): FieldSet | undefined {
  return element === SELF ? undefined : set[element];
}

/** The elements below a node. */
export function* childrenOf(set: FieldSet): Generator<readonly [string, FieldSet]> {
  for (const element in set) {
    const child = set[element];
    if (element !== SELF && child !== undefined) yield [element, child];
  }
}

/** Puts a path into a set that is being built. */
export function insert(root: FieldSetBuilder, path: readonly string[]): void {
  let node = root;
  let isNew = true;
  for (const element of path) {
    let child = node[element];
    // What was a leaf so far is in the set, and has to say so now that it gets children.
    if (child === undefined && !isNew && isEmptySet(node)) node[SELF] = {};
    isNew = child === undefined;
    child ??= node[element] = {};
    node = child;
  }
  if (!isNew && !isEmptySet(node)) node[SELF] = {};
}

/** A node of what is left or came together; undefined when that is nothing. */
function node(member: boolean, children: FieldSetBuilder | undefined): FieldSet | undefined {
  if (children === undefined) return member ? LEAF : undefined;
  return member ? { [SELF]: LEAF, ...children } : children;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return unionNodes(a, b, false);
}

function unionNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet {
  const children: FieldSetBuilder = {};
  let some = false;
  for (const [element, child] of childrenOf(a)) {
    const other = childOf(b, element);
    children[element] = other === undefined ? child : unionNodes(child, other, isMember(child) || isMember(other));
    some = true;
  }
  for (const [element, child] of childrenOf(b)) {
    if (element in children) continue;
    children[element] = child;
    some = true;
  }
  return node(member, some ? children : undefined) ?? EMPTY_SET;
}

/** The fields of `a` that are not in `b`; `a` itself when that is all of them. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  return differenceNodes(a, b, false, false) ?? EMPTY_SET;
}

function differenceNodes(a: FieldSet, b: FieldSet, inA: boolean, inB: boolean): FieldSet | undefined {
  const children: FieldSetBuilder = {};
  let some = false;
  let same = true;
  for (const [element, child] of childrenOf(a)) {
    const other = childOf(b, element);
    const left = other === undefined ? child : differenceNodes(child, other, isMember(child), isMember(other));
    if (left !== child) same = false;
    if (left === undefined) continue;
    children[element] = left;
    some = true;
  }
  if (same && !(inA && inB)) return a;
  return node(inA && !inB, some ? children : undefined);
}

/** The fields that are in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return intersectionNodes(a, b, false) ?? EMPTY_SET;
}

function intersectionNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  const children: FieldSetBuilder = {};
  let some = false;
  for (const [element, child] of childrenOf(a)) {
    const other = childOf(b, element);
    if (other === undefined) continue;
    const both = intersectionNodes(child, other, isMember(child) && isMember(other));
    if (both === undefined) continue;
    children[element] = both;
    some = true;
  }
  return node(member, some ? children : undefined);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return isEmptySet(difference(a, b)) && isEmptySet(difference(b, a));
}

/** The paths of all fields of the set, in the order of the tree. */
export function* pathsOf(set: FieldSet, at: readonly string[] = []): Generator<readonly string[]> {
  if (at.length > 0 && isMember(set)) yield at;
  for (const [element, child] of childrenOf(set)) yield* pathsOf(child, [...at, element]);
}

function sortedSet(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  if (elements.length === 0) return LEAF;
  const sorted: FieldSetBuilder = {};
  for (const element of elements.sort()) sorted[element] = sortedSet(set[element] ?? LEAF);
  return Object.freeze(sorted);
}

/** Objects of one make have the same fields: a thousand Pods of one ReplicaSet share their sets. */
const shared = new Map<string, FieldSet>();
const MAX_SHARED = 2_048;

/** The set as it is stored: frozen, its elements in order, and one for all objects that have the same. */
export function sharedSet(set: FieldSet): FieldSet {
  const text = JSON.stringify(set);
  let known = shared.get(text);
  if (known === undefined) {
    known = sortedSet(set);
    if (shared.size >= MAX_SHARED) shared.clear();
    shared.set(text, known);
  }
  return known;
}
