import { CelError, noOverload } from './cel-error.ts';
import type { CelType } from './cel-type.ts';
import { CelList, CelObject, CelOptional, CelTypeValue, EntryMap, isMap, type CelValue } from './cel-value.ts';
import type { Checked } from './checker.ts';
import type { Resolved } from './checking.ts';
import type { Call, Expression, ListLiteral, MapLiteral, Select } from './expression.ts';
import { planFold } from './fold.ts';
import type { CelOverload } from './functions/cel-function.ts';
import { fits } from './overload-choice.ts';
import { type CostMeter, type Planning, type Run, truth } from './plan.ts';
import { TYPE_NAMES } from './value-type.ts';

const LIST_COST = 10;
const MAP_COST = 30;

/** Variables become places in a frame. */
export class Planner implements Planning {
  readonly #checked: Checked;
  readonly #slots: Map<string, number>;
  #next: number;

  constructor(checked: Checked, variables: readonly string[]) {
    this.#checked = checked;
    this.#slots = new Map(variables.map((name, slot) => [name, slot]));
    this.#next = variables.length;
  }

  within<T>(names: readonly string[], plan: (slots: readonly number[]) => T): T {
    const outer = names.map((name) => [name, this.#slots.get(name)] as const);
    const slots = names.map(() => this.#next++);
    for (const [index, name] of names.entries()) this.#slots.set(name, slots[index] ?? 0);
    const result = plan(slots);
    for (const [name, slot] of outer) {
      if (slot === undefined) this.#slots.delete(name);
      else this.#slots.set(name, slot);
    }
    return result;
  }

  plan(expression: Expression): Run {
    switch (expression.kind) {
      case 'literal': {
        const { value } = expression;
        return () => value;
      }
      case 'ident':
        return this.#variable(expression.name);
      case 'select':
        return this.#select(expression);
      case 'call':
        return this.#call(expression);
      case 'list':
        return this.#list(expression);
      case 'map':
        return this.#map(expression);
      case 'fold':
        return planFold(this, expression);
      case 'struct':
        throw new TypeError(`Cannot plan an expression that was not checked: ${expression.name}`);
    }
  }

  #variable(name: string): Run {
    const slot = this.#slots.get(name);
    if (slot === undefined) return typeNamed(TYPE_NAMES.get(name));
    return ({ slots, meter }) => {
      meter.add(1);
      const value = slots[slot];
      if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
      return value;
    };
  }

  #select(select: Select): Run {
    const named = this.#checked.names.get(select);
    if (named !== undefined) return this.#variable(named);
    const operand = this.plan(select.operand);
    const { field, mode } = select;
    if (mode === 'test') {
      return (frame) => memberOf(operand(frame), field, true) !== undefined;
    }
    return (frame) => {
      const target = operand(frame);
      frame.meter.add(1);
      if (mode === 'optional' || target instanceof CelOptional) return optionalMember(target, field);
      const value = memberOf(target, field, false);
      if (value === undefined) throw new CelError(`no such key: ${field}`);
      return value;
    };
  }

  #call(call: Call): Run {
    const resolved = this.#checked.calls.get(call);
    if (resolved === undefined) throw new TypeError(`Cannot plan a call that was not checked: ${call.name}`);
    const args = resolved.args.map((arg) => this.plan(arg));
    const [first = nothing, second = nothing, third = nothing] = args;
    switch (call.name) {
      case '_&&_':
        return logical(first, second, false);
      case '_||_':
        return logical(first, second, true);
      case '_?_:_':
        return (frame) => (truth(first(frame)) ? second(frame) : third(frame));
      default:
        return this.#invoke(resolved, args);
    }
  }

  #invoke({ overloads, args: given }: Resolved, args: readonly Run[]): Run {
    const isKnown = overloads.length === 1 && given.every((arg) => isConcrete(this.#checked.typeOf(arg)));
    const [only] = overloads;
    return (frame) => {
      const values = args.map((arg) => arg(frame));
      const overload = isKnown ? only : overloads.find((candidate) => fits(candidate, values));
      if (overload === undefined) throw noOverload();
      return applied(overload, values, frame.meter);
    };
  }

  #list({ items }: ListLiteral): Run {
    const planned = items.map(({ value, isOptional }) => ({ run: this.plan(value), isOptional }));
    return (frame) => {
      const values: CelValue[] = [];
      for (const { run, isOptional } of planned) {
        const value = run(frame);
        const kept = isOptional ? heldBy(value) : value;
        if (kept !== undefined) values.push(kept);
      }
      frame.meter.add(LIST_COST);
      return CelList.of(values);
    };
  }

  #map({ entries }: MapLiteral): Run {
    const planned = entries.map(({ key, value, isOptional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      isOptional,
    }));
    return (frame) => {
      const map = new EntryMap();
      for (const { key, value, isOptional } of planned) {
        const name = key(frame);
        const given = value(frame);
        const kept = isOptional ? heldBy(given) : given;
        if (kept !== undefined && !map.add(name, kept)) throw new CelError(`Failed with repeated key`);
      }
      frame.meter.add(MAP_COST);
      return map;
    };
  }
}

const nothing: Run = () => null;

function typeNamed(type: CelType | undefined): Run {
  if (type === undefined) throw new TypeError('Cannot plan a name that was not checked');
  const value = new CelTypeValue(type);
  return ({ meter }) => {
    meter.add(1);
    return value;
  };
}

function isConcrete({ kind, params }: CelType): boolean {
  return kind !== 'dyn' && kind !== 'error' && kind !== 'param' && kind !== 'null' && params.every(isConcrete);
}

function applied(overload: CelOverload, values: readonly CelValue[], meter: CostMeter): CelValue {
  const result = overload.apply(values);
  meter.add(overload.cost === undefined ? 1 : overload.cost(values, result));
  return result;
}

/** The error of one side does not matter where the other decides alone. */
function logical(left: Run, right: Run, decides: boolean): Run {
  return (frame) => {
    let failed: CelError | undefined;
    try {
      if (truth(left(frame)) === decides) return decides;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failed = error;
    }
    if (truth(right(frame)) === decides) return decides;
    if (failed !== undefined) throw failed;
    return !decides;
  };
}

function heldBy(value: CelValue): CelValue | undefined {
  if (value instanceof CelOptional) return value.value;
  throw new CelError('value is not optional');
}

/** The member of an object or a map; undefined where there is none. */
function memberOf(target: CelValue, field: string, isTest: boolean): CelValue | undefined {
  if (target instanceof CelObject || (target !== null && isMap(target))) return target.get(field);
  if (isTest && target instanceof CelOptional) {
    return target.value === undefined ? undefined : memberOf(target.value, field, true);
  }
  throw noOverload();
}

function optionalMember(target: CelValue, field: string): CelOptional {
  if (target instanceof CelOptional) {
    return target.value === undefined ? CelOptional.none : optionalMember(target.value, field);
  }
  const value = memberOf(target, field, false);
  return value === undefined ? CelOptional.none : new CelOptional(value);
}
