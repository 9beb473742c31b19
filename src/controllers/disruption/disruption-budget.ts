import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { deepEqual } from '#api/equal.ts';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '#api/generated/types.ts';
import { controllerOf, type KubeObject, objectKey } from '#api/object.ts';
import { podDisruptionBudgets, pods } from '#api/resource.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import {
  type BudgetState,
  budgetStatus,
  countsOwners,
  failedStatus,
  nextExpiryIn,
  unmanagedText,
} from './disruption-budget-plan.ts';
import { mergeDiff } from '../merge-diff.ts';
import { OwnWrites } from '../own-writes.ts';
import { scaleReader, type ScaleReader } from './owner-scale.ts';
import { isPodReady, isTerminating } from '../pod-state.ts';
import { matchesSelector } from '#api/selectors.ts';

const PODS_BY_NAMESPACE = 'disruption-budget/namespace';
const BUDGETS_BY_NAMESPACE = 'disruption-budget/namespace';

/** Says of each PodDisruptionBudget how many of its Pods may be evicted now. */
export function startDisruptionBudgetController(context: ControllerContext): void {
  const { client, clock, informers } = context;
  const budgets = informers.for(podDisruptionBudgets);
  const podInformer = informers.for(pods);
  const scaleOf = scaleReader(context);
  const own = new OwnWrites(budgets);
  const recorder = recorderFor(context, 'controllermanager');
  podInformer.addIndex(PODS_BY_NAMESPACE, (pod) => [pod.metadata.namespace ?? '']);
  budgets.addIndex(BUDGETS_BY_NAMESPACE, (budget) => [budget.metadata.namespace ?? '']);

  const queue = createControllerQueue(
    context,
    { name: 'disruption-budget', waitFor: [budgets, podInformer, ...scaleOf.informers], yields: true },
    async (key) => {
      const cached = budgets.get(key);
      const [budget] = cached === undefined ? [] : own.view(key, [cached]);
      if (budget === undefined) return own.forget(key);
      const matching = podInformer
        .byIndex(PODS_BY_NAMESPACE, budget.metadata.namespace ?? '')
        .filter((pod) => selects(budget, pod));
      if (matching.length === 0) recorder.record(budget, 'Normal', 'NoPods', 'No matching pods found');
      const now = clock.now();
      const status = await statusOf({ budget, pods: matching, now }, scaleOf, recorder);
      const patch = mergeDiff(budget.status ?? {}, status);
      if (patch !== undefined) {
        // The API server takes from the status when it evicts: who is late must look again.
        const { uid, resourceVersion } = budget.metadata;
        const body = { metadata: { uid, resourceVersion }, status: patch };
        const options = { subresource: 'status' };
        const written = await ignoreNotFound(
          client.patch(podDisruptionBudgets, budget.metadata, { kind: 'merge', body }, options),
        );
        if (written !== undefined) own.wrote(key, written);
      }
      const wait = nextExpiryIn(status, now);
      if (wait !== undefined) queue.addAfter(key, wait);
    },
  );

  const add = (budget: PodDisruptionBudget): void => queue.add(objectKey(budget));
  const budgetChanged = (budget: PodDisruptionBudget): void => {
    if (!own.isOwn(objectKey(budget), budget)) add(budget);
  };
  budgets.on({ added: budgetChanged, updated: budgetChanged, deleted: budgetChanged });
  const inNamespace = (object: KubeObject): readonly PodDisruptionBudget[] =>
    budgets.byIndex(BUDGETS_BY_NAMESPACE, object.metadata.namespace ?? '');
  watchHealth(podInformer, (pod) =>
    inNamespace(pod)
      .filter((budget) => selects(budget, pod))
      .forEach(add),
  );
  scaleOf.watch((owner) => inNamespace(owner).forEach(add));
}

async function statusOf(
  { budget, pods: matching, now }: Omit<BudgetState, 'scale' | 'timestamp'>,
  scaleOf: ScaleReader,
  recorder: EventRecorder,
): Promise<PodDisruptionBudgetStatus> {
  const timestamp = rfc3339(now);
  const asks = countsOwners(budget);
  try {
    const scale = asks ? await scaleOf.sum(matching) : 0;
    if (asks && matching.some((pod) => controllerOf(pod) === undefined)) {
      recorder.record(budget, 'Warning', 'UnmanagedPods', unmanagedText(budget));
    }
    return budgetStatus({ budget, pods: matching, scale, now, timestamp });
  } catch (error) {
    const why = errorMessage(error);
    const message = `Failed to calculate the number of expected pods: ${why}`;
    recorder.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
    return failedStatus(budget, why, timestamp);
  }
}

function watchHealth(informer: Informer<Pod>, changed: (pod: Pod) => void): void {
  informer.on({
    added: changed,
    updated: (pod, old) => {
      const sameHealth = isPodReady(pod) === isPodReady(old) && isTerminating(pod) === isTerminating(old);
      if (sameHealth && deepEqual(pod.metadata.labels, old.metadata.labels)) return;
      changed(pod);
      changed(old);
    },
    deleted: changed,
  });
}

/** No selector matches nothing; an empty one all Pods of the namespace. */
function selects({ spec, metadata }: PodDisruptionBudget, pod: Pod): boolean {
  if (spec.selector === undefined || metadata.namespace !== pod.metadata.namespace) return false;
  return matchesSelector(spec.selector, pod.metadata.labels);
}
