import { CelError, noOverload } from './cel-error.ts';
import { CelList, CelOptional, EntryMap, isMap, type CelValue } from './cel-value.ts';
import type { Fold } from './expression.ts';
import { type Frame, type Planning, type Run, truth } from './plan.ts';

/** What the steps of each macro cost beside what they evaluate, as Kubernetes counts the loops that they stand for. */
const STEP_COST: Readonly<Record<Fold['name'], number>> = {
  all: 3,
  exists: 4,
  exists_one: 2,
  existsOne: 2,
  map: 12,
  filter: 12,
  transformList: 12,
  transformMap: 12,
  transformMapEntry: 12,
  optMap: 0,
  optFlatMap: 0,
};
const RESULT_COST = 1;

/** Puts the variables of each step into the frame. */
type Steps = (frame: Frame, range: CelValue) => Iterable<CelValue>;

export function planFold(planner: Planning, fold: Fold): Run {
  const range = planner.plan(fold.range);
  return planner.within(fold.variables, (slots) => {
    const condition = fold.condition === undefined ? undefined : planner.plan(fold.condition);
    const transform = fold.transform === undefined ? undefined : planner.plan(fold.transform);
    const { name } = fold;
    if (name === 'optMap' || name === 'optFlatMap') return optional(fold, range, slots, transform);
    const steps = stepsOver(slots, STEP_COST[name]);
    const execute = PLANS[name];
    const plan = { range, steps, condition: condition ?? always, transform };
    return (frame) => {
      const result = execute(plan, frame);
      frame.meter.add(RESULT_COST);
      return result;
    };
  });
}

const always: Run = () => true;

interface Plan {
  readonly range: Run;
  readonly steps: Steps;
  readonly condition: Run;
  readonly transform: Run | undefined;
}

type Execute = (plan: Plan, frame: Frame) => CelValue;

const PLANS: Readonly<Record<Exclude<Fold['name'], 'optMap' | 'optFlatMap'>, Execute>> = {
  all: (plan, frame) => quantified(plan, frame, false),
  exists: (plan, frame) => quantified(plan, frame, true),
  exists_one: (plan, frame) => count(plan, frame) === 1,
  existsOne: (plan, frame) => count(plan, frame) === 1,
  map: transformed,
  filter: transformed,
  transformList: transformed,
  transformMap: intoMap(insertOne),
  transformMapEntry: intoMap(insertAll),
};

function stepsOver([first = 0, second]: readonly number[], cost: number): Steps {
  return function* steps({ slots, meter }, range) {
    if (range instanceof CelList) {
      for (let index = 0; index < range.size; index++) {
        meter.add(cost);
        const item = range.at(index);
        slots[first] = second === undefined ? item : BigInt(index);
        if (second !== undefined) slots[second] = item;
        yield slots[first] ?? null;
      }
      return;
    }
    if (range === null || !isMap(range)) throw noOverload();
    for (const key of range.keys()) {
      meter.add(cost);
      slots[first] = key;
      if (second !== undefined) slots[second] = range.get(key) ?? null;
      yield key;
    }
  };
}

/** One step may decide; if none does, the error of one is the error of all. */
function quantified({ range, steps, condition }: Plan, frame: Frame, decides: boolean): boolean {
  let failed: CelError | undefined;
  for (const _ of steps(frame, range(frame))) {
    try {
      if (truth(condition(frame)) === decides) return decides;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failed ??= error;
    }
  }
  if (failed !== undefined) throw failed;
  return !decides;
}

function count({ range, steps, condition }: Plan, frame: Frame): number {
  let found = 0;
  for (const _ of steps(frame, range(frame))) if (truth(condition(frame))) found += 1;
  return found;
}

function transformed({ range, steps, condition, transform }: Plan, frame: Frame): CelList {
  const values: CelValue[] = [];
  frame.meter.add(10);
  for (const item of steps(frame, range(frame))) {
    if (truth(condition(frame))) values.push(transform === undefined ? item : transform(frame));
  }
  return CelList.of(values);
}

/** `insert` puts what a step made into the map. */
function intoMap(insert: (map: EntryMap, key: CelValue, made: CelValue) => void): Execute {
  return ({ range, steps, condition, transform = always }, frame) => {
    const map = new EntryMap();
    frame.meter.add(30);
    for (const key of steps(frame, range(frame))) {
      if (truth(condition(frame))) insert(map, key, transform(frame));
    }
    return map;
  };
}

function insertOne(map: EntryMap, key: CelValue, value: CelValue): void {
  if (!map.add(key, value)) throw new CelError('insert failed: key already exists');
}

function insertAll(map: EntryMap, _: CelValue, entries: CelValue): void {
  if (entries === null || !isMap(entries)) throw noOverload();
  for (const key of entries.keys()) insertOne(map, key, entries.get(key) ?? null);
}

function optional(fold: Fold, range: Run, [slot = 0]: readonly number[], transform: Run = always): Run {
  return (frame) => {
    const target = range(frame);
    if (!(target instanceof CelOptional)) throw noOverload();
    if (target.value === undefined) return CelOptional.none;
    frame.slots[slot] = target.value;
    const result = transform(frame);
    return fold.name === 'optMap' ? new CelOptional(result) : result;
  };
}
