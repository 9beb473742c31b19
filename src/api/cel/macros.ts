import type { Call, Expression, Fold, FoldName } from './expression.ts';
import type { Issue } from './issues.ts';

type Expand = (call: Call, target: Expression, issues: Issue[]) => Expression | undefined;

/** The names of the variables that lead the arguments; reports those that are no names. */
function variables(args: readonly Expression[], issues: Issue[]): string[] {
  return args.map((arg) => {
    if (arg.kind === 'ident') return arg.name;
    issues.push({ offset: arg.offset, text: 'argument must be a simple name' });
    return '';
  });
}

interface Parts {
  readonly variables: number;
  readonly condition?: number;
  readonly transform?: number;
}

function fold(name: FoldName, shapes: readonly Parts[]): Expand {
  return (call, range, issues) => {
    const count = call.args.length;
    const parts = shapes.find(
      ({ variables: own, condition, transform }) =>
        own + Number(condition !== undefined) + Number(transform !== undefined) === count,
    );
    if (parts === undefined) return undefined;
    const condition = parts.condition === undefined ? undefined : call.args[parts.condition];
    const transform = parts.transform === undefined ? undefined : call.args[parts.transform];
    const names = variables(call.args.slice(0, parts.variables), issues);
    return { kind: 'fold', name, range, variables: names, condition, transform, offset: call.offset } satisfies Fold;
  };
}

const TEST: readonly Parts[] = [
  { variables: 1, condition: 1 },
  { variables: 2, condition: 2 },
];
const TRANSFORM: readonly Parts[] = [
  { variables: 2, transform: 2 },
  { variables: 2, condition: 2, transform: 3 },
];

const MEMBERS: Readonly<Record<string, Expand>> = {
  all: fold('all', TEST),
  exists: fold('exists', TEST),
  exists_one: fold('exists_one', TEST.slice(0, 1)),
  existsOne: fold('existsOne', TEST.slice(1)),
  filter: fold('filter', TEST.slice(0, 1)),
  map: fold('map', [
    { variables: 1, transform: 1 },
    { variables: 1, condition: 1, transform: 2 },
  ]),
  transformList: fold('transformList', TRANSFORM),
  transformMap: fold('transformMap', TRANSFORM),
  transformMapEntry: fold('transformMapEntry', TRANSFORM),
  optMap: fold('optMap', [{ variables: 1, transform: 1 }]),
  optFlatMap: fold('optFlatMap', [{ variables: 1, transform: 1 }]),
};

/** A call that is a macro as what it stands for. One with another number of arguments is a call like others. */
export function expandMacro(call: Call, issues: Issue[]): Expression {
  if (call.target !== undefined) {
    const expand = Object.hasOwn(MEMBERS, call.name) ? MEMBERS[call.name] : undefined;
    return expand?.(call, call.target, issues) ?? call;
  }
  if (call.name !== 'has' || call.args.length !== 1) return call;
  const [argument] = call.args;
  if (argument?.kind === 'select' && argument.mode === 'plain') {
    return { ...argument, mode: 'test', offset: call.offset };
  }
  issues.push({ offset: argument?.offset ?? call.offset, text: 'invalid argument to has() macro' });
  return call;
}
