import type { Container, Pod } from '#api/generated/types.ts';
import { quantityValue } from '#api/quantity.ts';
import { qosClassOf } from '#api/pod/qos.ts';

const GUARANTEED = -997;
const BEST_EFFORT = 1000;
/** Of the class system-node-critical. */
const NODE_CRITICAL = 2_000_001_000;

/**
 * What the kernel adds to the score of a container's processes when the machine's memory is short, in thousandths of that:
 * who asks for more is ended later. Models kubelet/qos/policy.go of v1.34, for Pods without resources of their own.
 */
export function oomScoreAdjust(pod: Pod, container: Container, memoryBytes: number): number {
  const { priority = 0, containers } = pod.spec;
  if (priority >= NODE_CRITICAL) return GUARANTEED;
  const qos = qosClassOf(pod.spec);
  if (qos !== 'Burstable') return qos === 'Guaranteed' ? GUARANTEED : BEST_EFFORT;
  const requests = (one: Container): number => quantityValue(one.resources?.requests?.['memory'] ?? '0');
  // Nobody whom a sidecar serves is ended after it.
  const served = container.restartPolicy === 'Always' ? Math.min(...containers.map(requests)) : 0;
  const share = Math.floor((1000 * Math.max(requests(container), served)) / memoryBytes);
  return Math.min(BEST_EFFORT - 1, Math.max(1000 + GUARANTEED, 1000 - share));
}
