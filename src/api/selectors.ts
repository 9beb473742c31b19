import type { LabelSelector, NodeSelectorRequirement } from './generated/types.ts';
import { type Labels, matchesLabels, type Selector, selectorFromObject } from './label-selector.ts';

type Pairs = readonly (readonly [key: string, value: string])[];

/** Objects are never changed, so what was made of one stays right. */
const compiledPairs = new WeakMap<Labels, Pairs>();
const compiledSelectors = new WeakMap<LabelSelector, Selector>();

/** Whether `labels` hold every pair of `selector`, the form that Services have. */
export function hasLabels(selector: Labels, labels: Labels | undefined): boolean {
  let pairs = compiledPairs.get(selector);
  if (pairs === undefined) {
    pairs = Object.entries(selector);
    compiledPairs.set(selector, pairs);
  }
  for (const [key, value] of pairs) if (labels?.[key] !== value) return false;
  return true;
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** An empty selector matches everything. */
export function matchesSelector(selector: LabelSelector, labels: Labels | undefined): boolean {
  let known = compiledSelectors.get(selector);
  if (known === undefined) {
    known = selectorFromObject(selector);
    compiledSelectors.set(selector, known);
  }
  return matchesLabels(known, labels);
}

const NODE_OPERATORS = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
} as const;

/** Node affinity has two operators more than label selectors. One that is not known matches nothing. */
export function matchesNodeRequirement(requirement: NodeSelectorRequirement, labels: Labels | undefined): boolean {
  const { key, operator, values = [] } = requirement;
  const known = NODE_OPERATORS[operator as keyof typeof NODE_OPERATORS];
  if (known === undefined) return false;
  return matchesLabels({ kind: 'requirements', requirements: [{ key, operator: known, values }] }, labels);
}
