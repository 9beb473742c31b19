import type { HorizontalPodAutoscaler, HPAScalingRules } from '#api/generated/types.ts';
import type { ScaleHistory } from './scale-history.ts';

export interface Limited {
  readonly replicas: number;
  /** Of the condition AbleToScale. */
  readonly able: Said;
  /** Of the condition ScalingLimited, which is true when `replicas` is not what was wanted. */
  readonly limited: Said & { readonly status: 'True' | 'False' };
}

interface Said {
  readonly reason: string;
  readonly message: string;
}

export interface LimitInput {
  readonly scaler: HorizontalPodAutoscaler;
  readonly history: ScaleHistory;
  readonly current: number;
  /** What the metrics say. */
  readonly wanted: number;
  readonly now: number;
}

/** Upstream's --horizontal-pod-autoscaler-downscale-stabilization. */
const DOWN_WINDOW_SECONDS = 300;

const READY: Said = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const LOWEST: Said = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const HIGHEST: Said = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const WITHIN: Said = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };
const TOO_MANY: Said = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const TOO_FEW: Said = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const TOO_FAST: Said = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const TOO_FAST_DOWN: Said = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};

/** Waits out what may be a passing state, then keeps to the limits. Models horizontal.go of v1.34. */
export function limitReplicas(input: LimitInput): Limited {
  const { scaler, history, wanted, now } = input;
  const { behavior } = scaler.spec;
  const stable = behavior === undefined ? history.highest(wanted, DOWN_WINDOW_SECONDS, now) : stabilized(input);
  history.recommend(wanted, now);
  const raised = behavior === undefined || wanted < input.current;
  const able = stable === wanted ? READY : raised ? HIGHEST : LOWEST;
  const { replicas, said } = behavior === undefined ? bySize(input, stable) : byRules(input, stable);
  return { replicas, able, limited: { ...said, status: replicas === stable ? 'False' : 'True' } };
}

function stabilized({ scaler, history, current, wanted, now }: LimitInput): number {
  const { scaleUp, scaleDown } = scaler.spec.behavior ?? {};
  const up = history.lowest(wanted, scaleUp?.stabilizationWindowSeconds ?? 0, now);
  const down = history.highest(wanted, scaleDown?.stabilizationWindowSeconds ?? DOWN_WINDOW_SECONDS, now);
  return Math.min(Math.max(current, up), down);
}

interface Bounded {
  readonly replicas: number;
  readonly said: Said;
}

function bySize({ scaler, current }: LimitInput, wanted: number): Bounded {
  const { minReplicas = 1, maxReplicas } = scaler.spec;
  const fastest = Math.max(2 * current, 4);
  const most = Math.min(maxReplicas, fastest);
  if (wanted < minReplicas) return { replicas: minReplicas, said: TOO_FEW };
  if (wanted > most) return { replicas: most, said: maxReplicas > fastest ? TOO_FAST : TOO_MANY };
  return { replicas: wanted, said: WITHIN };
}

function byRules(input: LimitInput, wanted: number): Bounded {
  const { scaler, current } = input;
  const { minReplicas = 1, maxReplicas, behavior } = scaler.spec;
  if (wanted > current) {
    const fastest = Math.max(current, rateLimit(input, behavior?.scaleUp, 'up'));
    const most = Math.min(maxReplicas, fastest);
    if (wanted > most) return { replicas: most, said: maxReplicas > fastest ? TOO_FAST : TOO_MANY };
  } else if (wanted < current) {
    const fastest = Math.min(current, rateLimit(input, behavior?.scaleDown, 'down'));
    const least = Math.max(minReplicas, fastest);
    if (wanted < least) return { replicas: least, said: minReplicas < fastest ? TOO_FAST_DOWN : TOO_FEW };
  }
  return { replicas: wanted, said: WITHIN };
}

/** How far the policies let the target go now, counted from where it stood at the start of each one's period. */
function rateLimit({ history, current, now }: LimitInput, rules: HPAScalingRules = {}, way: 'up' | 'down'): number {
  const { selectPolicy = 'Max', policies = [] } = rules;
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - history.grown(periodSeconds, now);
    if (type === 'Pods') return way === 'up' ? start + value : start - value;
    return way === 'up' ? Math.ceil(start * (1 + value / 100)) : Math.trunc(start * (1 - value / 100));
  });
  if (limits.length === 0) return current;
  return (selectPolicy === 'Min') === (way === 'up') ? Math.min(...limits) : Math.max(...limits);
}
