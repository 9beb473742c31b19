import * as types from './cel-type.ts';
import { type CelType, isAnything, optionalParam } from './cel-type.ts';
import type { Call, Expression, Fold, ListLiteral, MapLiteral, Select } from './expression.ts';
import { FUNCTIONS } from './function-table.ts';
import { checkAggregates } from './aggregate-check.ts';
import type { Checking, Resolved } from './checking.ts';
import type { CelFunction, CelOverload } from './functions/cel-function.ts';
import { checkFold } from './fold-check.ts';
import type { Issue } from './issues.ts';
import { checkLiterals } from './literal-check.ts';
import { mostGeneral, Substitution } from './substitution.ts';
import { TYPE_NAMES, valueType } from './value-type.ts';

export interface Checked {
  readonly type: CelType;
  readonly issues: readonly Issue[];
  readonly calls: ReadonlyMap<Call, Resolved>;
  /** Selections that name a variable or a type with dots in its name. */
  readonly names: ReadonlyMap<Expression, string>;
  /** The given variables that it reads. */
  readonly uses: ReadonlySet<string>;
  readonly typeOf: (expression: Expression) => CelType;
}

export function checkExpression(expression: Expression, variables: ReadonlyMap<string, CelType>): Checked {
  const checker = new Checker(variables);
  const type = checker.check(expression);
  const { issues, calls, names, uses } = checker;
  if (issues.length === 0) {
    issues.push(...checkLiterals(calls), ...checkAggregates(expression, (of) => checker.finalType(of)));
  }
  return { type: checker.known.apply(type, true), issues, calls, names, uses, typeOf: (of) => checker.finalType(of) };
}

type Scope = ReadonlyMap<string, CelType>;

class Checker implements Checking {
  readonly known: Substitution = new Substitution();
  readonly issues: Issue[] = [];
  readonly calls: Map<Call, Resolved> = new Map();
  readonly names: Map<Expression, string> = new Map();
  readonly uses: Set<string> = new Set();
  readonly #types = new Map<Expression, CelType>();
  #scopes: readonly Scope[];

  constructor(variables: Scope) {
    this.#scopes = [variables];
  }

  report(offset: number, text: string): CelType {
    this.issues.push({ offset, text });
    return types.ERROR;
  }

  finalType(expression: Expression): CelType {
    return this.known.apply(this.#types.get(expression) ?? types.DYN, true);
  }

  check(expression: Expression): CelType {
    const type = this.#typeOf(expression);
    this.#types.set(expression, type);
    return type;
  }

  within<T>(variables: Scope, run: () => T): T {
    const outer = this.#scopes;
    this.#scopes = [...outer, variables];
    const result = run();
    this.#scopes = outer;
    return result;
  }

  mismatch(offset: number, wanted: CelType, found: CelType): CelType {
    return this.report(offset, `expected type '${types.typeText(wanted)}' but found '${types.typeText(found)}'`);
  }

  #typeOf(expression: Expression): CelType {
    switch (expression.kind) {
      case 'literal':
        return valueType(expression.value);
      case 'ident':
        return this.#lookup(expression.name) ?? this.undeclared(expression.offset, expression.name);
      case 'select':
        return this.#select(expression);
      case 'call':
        return this.#call(expression);
      case 'list':
        return this.#list(expression);
      case 'map':
        return this.#map(expression);
      case 'struct':
        return this.undeclared(expression.offset, expression.name);
      case 'fold':
        return checkFold(this, expression satisfies Fold);
    }
  }

  undeclared(offset: number, name: string): CelType {
    return this.report(offset, `undeclared reference to '${name}' (in container '')`);
  }

  #lookup(name: string): CelType | undefined {
    const scope = this.#scopes.findLast((variables) => variables.has(name));
    if (scope !== undefined && scope === this.#scopes[0]) this.uses.add(name);
    const variable = scope?.get(name);
    if (variable !== undefined) return variable;
    const type = TYPE_NAMES.get(name);
    return type === undefined ? undefined : types.typeOf(type);
  }

  #select(select: Select): CelType {
    const qualified = select.mode === 'plain' ? qualifiedName(select) : undefined;
    const named = qualified === undefined ? undefined : this.#lookup(qualified);
    if (qualified !== undefined && named !== undefined) {
      this.names.set(select, qualified);
      return named;
    }
    const operand = this.known.apply(this.check(select.operand));
    const field = this.#field(select, operand);
    return select.mode === 'test' ? types.BOOL : field;
  }

  #field({ field, offset, mode }: Select, operand: CelType): CelType {
    const held = optionalParam(operand);
    const target = held ?? operand;
    const found = this.#member(target, field, offset);
    return held !== undefined || mode === 'optional' ? types.optionalOf(found) : found;
  }

  #member(target: CelType, field: string, offset: number): CelType {
    switch (target.kind) {
      case 'map':
        return target.params[1] ?? types.DYN;
      case 'object':
        return target.fields?.get(field) ?? this.report(offset, `undefined field '${field}'`);
      case 'param':
        this.known.assignable(types.DYN, target);
        return types.DYN;
      default:
        if (!isAnything(target)) {
          this.report(offset, `type '${types.typeText(target)}' does not support field selection`);
        }
        return types.DYN;
    }
  }

  #call(call: Call): CelType {
    for (const arg of call.args) this.check(arg);
    const { target, name, offset } = call;
    if (target === undefined) return this.#plainCall(call, name);
    const prefix = qualifiedName(target);
    if (prefix !== undefined && FUNCTIONS.has(`${prefix}.${name}`)) return this.#plainCall(call, `${prefix}.${name}`);
    this.check(target);
    const called = FUNCTIONS.get(name);
    if (called === undefined) return this.undeclared(offset, name);
    return this.#resolve(call, called, [target, ...call.args], true);
  }

  #plainCall(call: Call, name: string): CelType {
    const called = FUNCTIONS.get(name);
    if (called === undefined) return this.undeclared(call.offset, name);
    return this.#resolve(call, called, call.args, false);
  }

  #resolve(call: Call, called: CelFunction, args: readonly Expression[], isMember: boolean): CelType {
    const given = args.map((arg) => this.#types.get(arg) ?? types.ERROR);
    if (called.name === '_&&_' || called.name === '_||_') return this.#logical(call, called, args, given);
    const fitting: CelOverload[] = [];
    let result: CelType | undefined;
    for (const overload of called.overloads) {
      if (overload.isMember !== isMember) continue;
      const signature = [overload.result, ...overload.args];
      const [returned = types.DYN, ...wanted] = overload.isGeneric ? this.known.instantiate(signature) : signature;
      if (!this.known.allAssignable(given, wanted)) continue;
      fitting.push(overload);
      const type = this.known.apply(returned);
      if (result === undefined) result = type;
      else if (result.kind !== 'dyn' && !types.sameType(result, type)) result = types.DYN;
    }
    if (result === undefined) return this.#noOverload(call, called.name, given, isMember);
    this.calls.set(call, { overloads: fitting, args });
    return result;
  }

  #logical(call: Call, called: CelFunction, args: readonly Expression[], given: readonly CelType[]): CelType {
    const before = this.issues.length;
    for (const [index, type] of given.entries()) {
      if (!this.known.assignable(type, types.BOOL)) this.mismatch(args[index]?.offset ?? 0, types.BOOL, type);
    }
    if (this.issues.length > before) return types.ERROR;
    this.calls.set(call, { overloads: called.overloads, args });
    return types.BOOL;
  }

  #noOverload(call: Call, name: string, given: readonly CelType[], isMember: boolean): CelType {
    const shown = given.map((type) => types.typeText(this.known.apply(type, true)));
    const signature = isMember ? `${shown[0] ?? ''}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
    return this.report(call.offset, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  #list({ items }: ListLiteral): CelType {
    let joined: CelType | undefined;
    for (const { value, isOptional } of items) joined = this.#join(joined, this.#item(value, isOptional));
    return types.listOf(joined ?? this.known.newParam());
  }

  #map({ entries }: MapLiteral): CelType {
    let keys: CelType | undefined;
    let values: CelType | undefined;
    for (const { key, value, isOptional } of entries) {
      keys = this.#join(keys, this.check(key));
      values = this.#join(values, this.#item(value, isOptional));
    }
    return types.mapOf(keys ?? this.known.newParam(), values ?? this.known.newParam());
  }

  #item(value: Expression, isOptional: boolean): CelType {
    const type = this.check(value);
    if (!isOptional) return type;
    const held = optionalParam(type);
    if (held === undefined && type.kind !== 'dyn') this.mismatch(value.offset, types.optionalOf(type), type);
    return held ?? type;
  }

  #join(before: CelType | undefined, now: CelType): CelType {
    if (before === undefined) return now;
    return this.known.assignable(before, now) ? mostGeneral(before, now) : types.DYN;
  }
}

/** `a.b.c` as a name. */
export function qualifiedName(expression: Expression): string | undefined {
  if (expression.kind === 'ident') return expression.name;
  if (expression.kind !== 'select' || expression.mode !== 'plain') return undefined;
  const before = qualifiedName(expression.operand);
  return before === undefined ? undefined : `${before}.${expression.field}`;
}
