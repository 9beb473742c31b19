import { isObject } from '../patch/json-value.ts';
import { type FieldSet, type FieldSetBuilder, insert } from './field-set.ts';
import {
  knownType,
  type ListType,
  type MapType,
  memberTypeOf,
  type MergeType,
  type ScalarType,
  type StructType,
} from './merge-type.ts';
import { elementText, fieldElement, itemElement, NoIdentityError } from './path-element.ts';

export interface DeclaredFields {
  readonly set: FieldSet;
  /** What is wrong with the value, as `.spec.foo: field not declared in schema`. */
  readonly problems: readonly string[];
}

/** The fields that a value states, checked against its type: what an applied configuration lays claim to. */
export function declaredFields(value: unknown, type: MergeType): DeclaredFields {
  const walk = new Walk();
  walk.value(value, type);
  return { set: walk.set, problems: walk.problems };
}

/** The same of a value that is known to be well. */
export function fieldsOf(value: unknown, type: MergeType): FieldSet {
  return declaredFields(value, type).set;
}

class Walk {
  readonly set: FieldSetBuilder = {};
  readonly problems: string[] = [];
  readonly #path: string[] = [];

  value(value: unknown, type: MergeType): void {
    const known = knownType(type, value);
    switch (known.kind) {
      case 'scalar':
        this.#checkScalar(value, known);
        this.#insert();
        return;
      case 'struct':
      case 'map':
        this.#object(value, known);
        return;
      case 'list':
        this.#list(value, known);
    }
  }

  #object(value: unknown, type: StructType | MapType): void {
    if (type.atomic) this.#insert();
    if (value === null || value === undefined) return;
    if (!isObject(value)) {
      this.#problem(`expected map, got ${goText(value)}`);
      return;
    }
    for (const [key, member] of Object.entries(value)) {
      const memberType = memberTypeOf(type, key);
      this.#path.push(fieldElement(key));
      if (memberType === undefined) {
        this.#problem('field not declared in schema');
      } else if (!type.atomic) {
        this.value(member, memberType);
        // A field of a struct is there with what is in it; a key of a map is something on its own.
        const isEmpty = member === null || (isObject(member) && Object.keys(member).length === 0);
        if (isEmpty || type.kind === 'map') this.#insert();
      } else {
        this.#check(member, memberType);
      }
      this.#path.pop();
    }
  }

  #list(value: unknown, type: ListType): void {
    if (type.list === 'atomic') this.#insert();
    if (value === null || value === undefined) return;
    if (!Array.isArray(value)) {
      this.#problem(`expected list, got ${goText(value)}`);
      return;
    }
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      const element = this.#element(type, item, index, seen);
      if (element === undefined) continue;
      this.#path.push(element);
      if (type.list === 'atomic') {
        this.#check(item, type.item);
      } else {
        this.value(item, type.item);
        this.#insert();
      }
      this.#path.pop();
    }
  }

  #element(type: ListType, item: unknown, index: number, seen: Set<string>): string | undefined {
    if (type.list === 'atomic') return `i:${index}`;
    try {
      const element = itemElement(type, item);
      if (seen.has(element)) this.#problem(`duplicate entries for key ${elementText(element)}`);
      seen.add(element);
      return element;
    } catch (error) {
      if (!(error instanceof NoIdentityError)) throw error;
      this.#problem(`element ${index}: ${error.message}`);
      return undefined;
    }
  }

  /** Inside of what is one unit: checked, but no field of its own. */
  #check(value: unknown, type: MergeType): void {
    const inner = new Walk();
    inner.#path.push(...this.#path);
    inner.value(value, type);
    this.problems.push(...inner.problems);
  }

  #checkScalar(value: unknown, { scalar }: ScalarType): void {
    if (value === null || value === undefined) return;
    if (scalar === 'numeric' && typeof value !== 'number') {
      this.#problem(`expected numeric (int or float), got ${goTypeName(value)}`);
    } else if (scalar === 'string' && typeof value !== 'string') {
      this.#problem(`expected string, got &value.valueUnstructured{Value:${goText(value)}}`);
    } else if (scalar === 'boolean' && typeof value !== 'boolean') {
      this.#problem(`expected boolean, got &{${goText(value)}}`);
    }
  }

  #insert(): void {
    if (this.#path.length > 0) insert(this.set, this.#path);
  }

  #problem(text: string): void {
    this.problems.push(`${this.#path.map(elementText).join('')}: ${text}`);
  }
}

function goTypeName(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goText(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value);
}
