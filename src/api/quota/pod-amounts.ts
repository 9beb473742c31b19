import type * as t from '../generated/types.ts';
import { type Amounts, amountsOf, combine, sum } from './amounts.ts';

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const NOTHING: Amounts = new Map();

/** What the containers of a Pod take together: sidecars stay, other init containers run one after the other before. */
export function podAmounts(spec: t.PodSpec, part: 'limits' | 'requests'): Amounts {
  const of = ({ resources }: t.Container): Amounts => amountsOf(resources?.[part]);
  let running = NOTHING;
  let starting = NOTHING;
  for (const container of spec.initContainers ?? []) {
    const together = sum(running, of(container));
    if (container.restartPolicy === 'Always') running = together;
    starting = combine(starting, together, larger);
  }
  for (const container of spec.containers) running = sum(running, of(container));
  const amounts = combine(running, starting, larger);
  return spec.overhead === undefined ? amounts : sum(amounts, amountsOf(spec.overhead));
}
