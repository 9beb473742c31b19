import * as types from './cel-type.ts';
import type { CelType } from './cel-type.ts';

/** One way to call a function, with type parameters as they were written. */
export interface Overload {
  readonly isMember: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly isGeneric: boolean;
}

const NAMED: Readonly<Record<string, CelType>> = {
  bool: types.BOOL,
  int: types.INT,
  uint: types.UINT,
  double: types.DOUBLE,
  string: types.STRING,
  bytes: types.BYTES,
  null: types.NULL,
  duration: types.DURATION,
  timestamp: types.TIMESTAMP,
  dyn: types.DYN,
};

const OPAQUE: Readonly<Record<string, CelType>> = {
  Quantity: types.opaque('kubernetes.Quantity'),
  URL: types.opaque('kubernetes.URL'),
  IP: types.opaque('net.IP'),
  CIDR: types.opaque('net.CIDR'),
  Format: types.opaque('kubernetes.NamedFormat'),
  Semver: types.opaque('kubernetes.Semver'),
};

/** A reader of `list(A).(int, A) -> optional(A)`: receiver, arguments, result. */
class Notation {
  readonly #tokens: readonly string[];
  #at = 0;
  generic = false;

  constructor(text: string) {
    this.#tokens = text.match(/[A-Za-z]+|->|[(),.]/g) ?? [];
  }

  take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  list(): CelType[] {
    const found: CelType[] = [];
    if (!this.take('(')) return found;
    while (!this.take(')')) {
      found.push(this.type());
      this.take(',');
    }
    return found;
  }

  type(): CelType {
    const word = this.#tokens[this.#at++] ?? '';
    const known = NAMED[word] ?? OPAQUE[word];
    if (known !== undefined) return known;
    if (word.length === 1) {
      this.generic = true;
      return types.paramType(word);
    }
    const [first = types.DYN, second = types.DYN] = this.list();
    switch (word) {
      case 'list':
        return types.listOf(first);
      case 'map':
        return types.mapOf(first, second);
      case 'optional':
        return types.optionalOf(first);
      case 'type':
        return types.typeOf(first);
      default:
        throw new SyntaxError(`Cannot read the type ${JSON.stringify(word)}`);
    }
  }
}

export function parseOverload(text: string): Overload {
  const notation = new Notation(text);
  const isMember = !text.startsWith('(');
  const receiver = isMember ? [notation.type()] : [];
  notation.take('.');
  const args = [...receiver, ...notation.list()];
  notation.take('->');
  const result = notation.type();
  return { isMember, args, result, isGeneric: notation.generic };
}
