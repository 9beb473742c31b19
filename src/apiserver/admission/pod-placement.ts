import type { Pod, PriorityClass, Toleration } from '#api/generated/types.ts';
import { pods, priorityClasses } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import type { ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

/** So long a Pod stays bound to a node that is out of order. */
const TOLERATION_SECONDS = 300;

const NODE_TROUBLES = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;

export function admitTolerations(pod: Pod): Pod {
  const tolerations = pod.spec.tolerations ?? [];
  const missing = NODE_TROUBLES.filter((key) => !tolerations.some((toleration) => tolerates(toleration, key)));
  if (missing.length === 0) return pod;
  const added = missing.map((key): Toleration => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: TOLERATION_SECONDS,
  }));
  return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
}

function tolerates(toleration: Toleration, key: string): boolean {
  const sameKey = toleration.key === key || toleration.key === undefined || toleration.key === '';
  const effect = toleration.effect ?? '';
  return sameKey && (effect === 'NoExecute' || effect === '');
}

/** Classes that exist without an object. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

interface Priority {
  readonly name: string | undefined;
  readonly value: number;
  readonly preemption: string;
}

export function admitPriority(server: ServerContext, pod: Pod): Pod {
  const priority = priorityOf(server, pod);
  const { priority: own } = pod.spec;
  if (own !== undefined && own !== priority.value) {
    const computed = `priority admission controller computed ${priority.value} from the given PriorityClass name`;
    throw refused(pod, `the integer value of priority (${own}) must not be provided in pod spec; ${computed}`);
  }
  const { preemptionPolicy: policy } = pod.spec;
  if (policy !== undefined && policy !== priority.preemption) {
    const computed = `priority admission controller computed ${priority.preemption} from the given PriorityClass name`;
    throw refused(
      pod,
      `the string value of PreemptionPolicy (${policy}) must not be provided in pod spec; ${computed}`,
    );
  }
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(priority.name === undefined ? {} : { priorityClassName: priority.name }),
      priority: priority.value,
      preemptionPolicy: pod.spec.preemptionPolicy ?? priority.preemption,
    },
  };
}

function priorityOf(server: ServerContext, pod: Pod): Priority {
  const name = pod.spec.priorityClassName || undefined;
  const cache = server.storage.cache(priorityClasses);
  const system = name === undefined ? undefined : SYSTEM_CLASSES[name];
  if (system !== undefined) return { name, value: system, preemption: 'PreemptLowerPriority' };
  const found =
    name === undefined ? defaultClass(cache.list()) : (cache.get(name)?.object as PriorityClass | undefined);
  if (found !== undefined) {
    const preemption = found.preemptionPolicy ?? 'PreemptLowerPriority';
    return { name: found.metadata.name, value: found.value ?? 0, preemption };
  }
  if (name === undefined) return { name, value: 0, preemption: 'PreemptLowerPriority' };
  throw refused(pod, `no PriorityClass with name ${name} was found`);
}

function refused({ metadata }: Pod, why: string): StatusError {
  return new StatusError(forbiddenStatus(pods, metadata.name ?? '', why));
}

/** Of several defaults the lowest counts. */
function defaultClass(classes: Iterable<{ readonly object: unknown }>): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const { object } of classes) {
    const candidate = object as PriorityClass;
    if (candidate.globalDefault !== true) continue;
    if (lowest === undefined || (candidate.value ?? 0) < (lowest.value ?? 0)) lowest = candidate;
  }
  return lowest;
}
