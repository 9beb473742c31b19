import { type CelType, DYN, isAnything, paramType, sameType } from './cel-type.ts';

/** What is known of type parameters so far. Whatever does not fit leaves it as it was. */
export class Substitution {
  #known: ReadonlyMap<string, CelType> = new Map();
  #fresh = 0;

  newParam(): CelType {
    return paramType(`_var${this.#fresh++}`);
  }

  /** A generic signature with parameters of its own. */
  instantiate(signature: readonly CelType[]): readonly CelType[] {
    const own = new Map<string, CelType>();
    const renamed = (type: CelType): CelType => {
      if (type.kind === 'param') {
        const known = own.get(type.name) ?? this.newParam();
        own.set(type.name, known);
        return known;
      }
      return type.params.length === 0 ? type : { ...type, params: type.params.map(renamed) };
    };
    return signature.map(renamed);
  }

  /** `type` with what is known; `free` parameters become dyn when they are still unknown. */
  apply(type: CelType, free: boolean = false): CelType {
    if (type.kind === 'param') {
      const known = this.#known.get(type.name);
      if (known !== undefined) return this.apply(known, free);
      return free ? DYN : type;
    }
    if (type.params.length === 0) return type;
    return { ...type, params: type.params.map((param) => this.apply(param, free)) };
  }

  assignable(to: CelType, from: CelType): boolean {
    return this.allAssignable([to], [from]);
  }

  allAssignable(to: readonly CelType[], from: readonly CelType[]): boolean {
    if (to.length !== from.length) return false;
    const attempt = new Map(this.#known);
    const fits = to.every((type, index) => fit(attempt, type, from[index] ?? DYN));
    if (fits) this.#known = attempt;
    return fits;
  }
}

type Known = Map<string, CelType>;

function fit(known: Known, a: CelType, b: CelType): boolean {
  if (b.kind === 'param') {
    const bound = bind(known, b, a);
    if (bound !== 'unknown') return bound;
  }
  if (a.kind === 'param') return bind(known, a, b) === true;
  if (isAnything(a) || isAnything(b)) return true;
  if (a.kind === 'null') return takesNull(b);
  if (b.kind === 'null') return takesNull(a);
  if (a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'type') return true;
  return (
    a.params.length === b.params.length && a.params.every((param, index) => fit(known, param, b.params[index] ?? DYN))
  );
}

function takesNull({ kind }: CelType): boolean {
  return kind === 'null' || kind === 'object' || kind === 'opaque' || kind === 'duration' || kind === 'timestamp';
}

/** Whether `param` may stand for `type`; `unknown` where it must not, as it would stand for a part of itself. */
function bind(known: Known, param: CelType, type: CelType): boolean | 'unknown' {
  const present = known.get(param.name);
  if (present === undefined) {
    if (type.kind === 'param' && type.name === param.name) return true;
    if (mentions(known, param.name, type)) return 'unknown';
    known.set(param.name, type);
    return true;
  }
  if (sameType(present, type)) return true;
  if (!fit(known, type, present)) return false;
  const general = mostGeneral(type, present);
  if (!mentions(known, param.name, general)) known.set(param.name, general);
  return true;
}

function mentions(known: Known, name: string, type: CelType): boolean {
  if (type.kind === 'param') {
    if (type.name === name) return true;
    const present = known.get(type.name);
    return present !== undefined && mentions(known, name, present);
  }
  return type.params.some((param) => mentions(known, name, param));
}

/** Of two types that fit, the one that says less. */
export function mostGeneral(a: CelType, b: CelType): CelType {
  return isLessSpecific(a, b) ? a : b;
}

function isLessSpecific(a: CelType, b: CelType): boolean {
  if (isAnything(a) || a.kind === 'param') return true;
  if (isAnything(b) || b.kind === 'param') return false;
  if (a.kind === 'null') return false;
  if (b.kind === 'null') return true;
  return a.params.every((param, index) => isLessSpecific(param, b.params[index] ?? DYN));
}
