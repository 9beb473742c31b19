import { CelError, CostError } from '../cel/cel-error.ts';
import { CelOptional, type CelValue } from '../cel/cel-value.ts';
import { CostMeter } from '../cel/plan.ts';
import type { Program } from '../cel/program.ts';
import { deepEqual } from '../equal.ts';
import { duplicate, type FieldError, forbidden, invalid, required } from '../field-error.ts';
import { isObject, type JsonObject } from '../patch/json-value.ts';
import { itemKey, ruleValue } from './rule-value.ts';
import type { StructuralSchema } from './structural-schema.ts';
import type { RuleSource, RuleTree, SchemaRule } from './schema-rules.ts';

/** What one rule may take, and all rules about one object, in the units of Kubernetes. */
const RULE_LIMIT = 1_000_000;
const OBJECT_LIMIT = 10_000_000;
const MAX_MESSAGE_BYTES = 5 * 1024;

/** What an object was before a change, as far as a part of it can be found again there. */
interface Before {
  /** What `oldSelf` is; undefined where nothing corresponds. */
  readonly old: unknown;
  /** The part itself, or what is around it, is what it was: then its errors are not those of this change. */
  readonly isUnchanged: () => boolean;
}

const NEW: Before = { old: undefined, isUnchanged: () => false };

/** A part of what `around` is about; `old` is undefined where it cannot be found again. */
function partOf(around: Before, value: unknown, old: unknown): Before {
  if (old === undefined) return { old, isUnchanged: around.isUnchanged };
  let known: boolean | undefined;
  return { old, isUnchanged: () => (known ??= deepEqual(value, old)) };
}

/** `self` and `oldSelf` of the rules of one value. */
class Values {
  readonly hasOld: boolean;
  readonly #self: CelValue;
  readonly #old: () => CelValue;

  constructor(value: unknown, old: unknown, schema: StructuralSchema) {
    this.hasOld = old !== undefined && old !== null;
    this.#self = ruleValue(value, schema);
    this.#old = () => ruleValue(old, schema);
  }

  of({ usesOldSelf, source }: SchemaRule): readonly (CelValue | undefined)[] {
    if (!usesOldSelf) return [this.#self, undefined];
    const old = this.hasOld ? this.#old() : undefined;
    if (source.optionalOldSelf !== true) return [this.#self, old];
    return [this.#self, old === undefined ? CelOptional.none : new CelOptional(old)];
  }
}

/** Asks all rules about a new object, or about one that was `old` before. */
export function validateRules(tree: RuleTree, object: unknown, old?: unknown): FieldError[] {
  const run = new Validation();
  run.visit(tree, object, '', old === undefined ? NEW : { ...NEW, old });
  return run.errors;
}

class Validation {
  readonly errors: FieldError[] = [];
  #left = OBJECT_LIMIT;
  #isOver = false;

  visit(tree: RuleTree, value: unknown, field: string, before: Before): void {
    if (this.#isOver || value === null || value === undefined) return;
    this.#runRules(tree, value, field, before);
    for (const part of tree.allOf) this.visit(part, value, field, before);
    if (Array.isArray(value)) this.#visitItems(tree, value, field, before);
    else if (isObject(value)) this.#visitMembers(tree, value, field, before);
  }

  #visitItems({ items, schema }: RuleTree, list: readonly unknown[], field: string, before: Before): void {
    if (items === undefined) return;
    const { old } = before;
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    const isKeyed = schema['x-kubernetes-list-type'] === 'map';
    const olds = new Map<string, unknown>();
    if (isKeyed && Array.isArray(old)) {
      for (const item of old) if (isObject(item)) olds.set(itemKey(item, keys), item);
    }
    for (const [index, item] of list.entries()) {
      const oldItem = isKeyed && isObject(item) ? olds.get(itemKey(item, keys)) : undefined;
      this.visit(items, item, `${field}[${index}]`, partOf(before, item, oldItem));
    }
  }

  #visitMembers(tree: RuleTree, object: JsonObject, field: string, around: Before): void {
    const { members, properties } = tree;
    const { old } = around;
    const oldMembers = isObject(old) ? old : {};
    for (const [key, member] of Object.entries(object)) {
      const before = partOf(around, member, Object.hasOwn(oldMembers, key) ? oldMembers[key] : undefined);
      if (members !== undefined) this.visit(members, member, `${field}[${key}]`, before);
      const property = properties.get(key);
      if (property !== undefined) this.visit(property, member, field === '' ? key : `${field}.${key}`, before);
    }
  }

  #runRules({ rules, schema }: RuleTree, value: unknown, field: string, before: Before): void {
    if (rules.length === 0) return;
    const values = new Values(value, before.old, schema);
    for (const rule of rules) {
      if (this.#isOver) return;
      const { program, source, usesOldSelf } = rule;
      const type = schema.type ?? '';
      if (program === undefined) {
        this.errors.push(invalid(field, type, `rule compile error: ${rule.problem ?? ''}`));
        continue;
      }
      if (usesOldSelf && !values.hasOld && source.optionalOldSelf !== true) continue;
      const error = this.#ask(program, { rule, variables: values.of(rule), field, type });
      if (error !== undefined && (usesOldSelf || !before.isUnchanged())) this.errors.push(error);
    }
  }

  /** What is wrong by one rule. */
  #ask(program: Program, place: Place): FieldError | undefined {
    const { field, type, rule, variables } = place;
    const asked = this.#run(program, variables);
    switch (asked.kind) {
      case 'value':
        return asked.value === true ? undefined : this.#refusal(place);
      case 'broke':
        return invalid(field, type, OUT_OF_BUDGET);
      case 'costly':
        return invalid(
          field,
          type,
          `'${asked.text}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule.source)}`,
        );
      case 'error':
        return invalid(field, type, failureText(asked.text, rule.source));
    }
  }

  #run(program: Program, variables: Place['variables']): Outcome {
    if (this.#left <= 0) return this.#end({ kind: 'broke' });
    const meter = new CostMeter(RULE_LIMIT);
    let outcome: Outcome;
    try {
      outcome = { kind: 'value', value: program.run(variables, meter) };
    } catch (error) {
      if (error instanceof CostError) return this.#end({ kind: 'costly', text: error.message });
      if (!(error instanceof CelError)) throw error;
      outcome = { kind: 'error', text: error.message };
    }
    this.#left -= meter.used;
    return this.#left < 0 ? this.#end({ kind: 'broke' }) : outcome;
  }

  #end(outcome: Outcome): Outcome {
    this.#isOver = true;
    return outcome;
  }

  #refusal(place: Place): FieldError {
    const { rule, field, type } = place;
    const at = rule.path === undefined ? field : joined(field, rule.path);
    const text =
      (rule.message === undefined ? undefined : this.#message(rule.message, place)) ?? messageText(rule.source);
    switch (rule.source.reason) {
      case 'FieldValueForbidden':
        return forbidden(at, text);
      case 'FieldValueRequired':
        return required(at, text);
      case 'FieldValueDuplicate':
        return duplicate(at, type);
      default:
        return invalid(at, type, text);
    }
  }

  /** What the rule's own expression says; undefined where it has nothing sensible to say. */
  #message(program: Program, { rule, variables }: Place): string | undefined {
    const said = this.#run(program, variables);
    if (said.kind === 'broke') {
      return 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';
    }
    if (said.kind === 'costly') {
      const expression = JSON.stringify(rule.source.messageExpression);
      return `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${expression}`;
    }
    if (said.kind === 'error' || typeof said.value !== 'string') return undefined;
    const text = said.value.trim();
    return text === '' || text.includes('\n') || Buffer.byteLength(text) > MAX_MESSAGE_BYTES ? undefined : text;
  }
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

interface Place {
  readonly rule: SchemaRule;
  readonly variables: readonly (CelValue | undefined)[];
  readonly field: string;
  /** Of the value: what errors show of it. */
  readonly type: string;
}

type Outcome =
  | { readonly kind: 'value'; readonly value: CelValue }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'costly'; readonly text: string }
  | { readonly kind: 'broke' };

function joined(field: string, path: string): string {
  if (field === '') return path;
  return path.startsWith('[') ? `${field}${path}` : `${field}.${path}`;
}

/** How a rule is called in errors. */
function ruleText({ message = '', rule }: RuleSource): string {
  return (message === '' ? rule : message).trim();
}

function messageText(source: RuleSource): string {
  return (source.message ?? '') === '' ? `failed rule: ${ruleText(source)}` : ruleText(source);
}

function failureText(text: string, source: RuleSource): string {
  if (!text.startsWith('no such overload')) return `${text} evaluating rule: ${ruleText(source)}`;
  const why = 'call arguments did not match a supported operator, function or macro signature for rule';
  return `'${text}': ${why}: ${ruleText(source)}`;
}
