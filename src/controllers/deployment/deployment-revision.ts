import { deepEqual } from '#api/equal.ts';
import type { Deployment, PodTemplateSpec, ReplicaSet } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { controllerReference } from '../claims.ts';
import { byAge, DESIRED_REPLICAS, MAX_REPLICAS, maxSurge, newSetReplicas, replicasOf } from './deployment-scaling.ts';
import { templateHash } from '../revision/template-hash.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const TEMPLATE_HASH = 'pod-template-hash';

/** Annotations of a Deployment that its sets do not get. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

/** Of 64 bits, as in Go: more than a number holds. 0 where there is none. */
export function revisionOf(object: Deployment | ReplicaSet): bigint {
  const text = object.metadata.annotations?.[REVISION] ?? '';
  return /^-?\d+$/.test(text) ? BigInt(text) : 0n;
}

export function byRevision(a: ReplicaSet, b: ReplicaSet): number {
  const difference = revisionOf(a) - revisionOf(b);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** The oldest set with the Deployment's template. More than one can only have come about by hand. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(deployment.spec.template);
  return [...sets].sort(byAge).find(({ spec }) => deepEqual(withoutHash(spec.template ?? {}), wanted));
}

export function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { labels, ...metadata } = template.metadata ?? {};
  const { [TEMPLATE_HASH]: _, ...others } = labels ?? {};
  return { ...template, metadata: { ...withoutEmpty(metadata), labels: others } };
}

/** The server writes `creationTimestamp: null` into templates, some clients do not. */
function withoutEmpty(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const replicas = replicasOf(deployment);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + maxSurge(deployment)) };
}

function copiedAnnotations(deployment: Deployment): Record<string, string> {
  const entries = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(entries.filter(([key]) => !NOT_COPIED.has(key)));
}

export function newReplicaSet(deployment: Deployment, old: readonly ReplicaSet[]): NewObject<ReplicaSet> {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [TEMPLATE_HASH]: hash };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...copiedAnnotations(deployment),
        ...sizeAnnotations(deployment),
        [REVISION]: String(nextRevision(old)),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: newSetReplicas(deployment, old, 0),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [TEMPLATE_HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map((set) => revisionOf(set)).reduce((most, one) => (one > most ? one : most), 0n) + 1n;
}

/** The annotations that the new set has to have: those of the Deployment, and the highest revision of all. */
export function newSetAnnotations(
  deployment: Deployment,
  newSet: ReplicaSet,
  old: readonly ReplicaSet[],
): Record<string, string> {
  const annotations = { ...newSet.metadata.annotations, ...copiedAnnotations(deployment) };
  const before = revisionOf(newSet);
  const next = nextRevision(old);
  if (before >= next) return annotations;
  annotations[REVISION] = String(next);
  // It had a revision and gets a higher one: the Deployment went back to it.
  const history = annotations[REVISION_HISTORY];
  if (before > 0n) annotations[REVISION_HISTORY] = history === undefined ? String(before) : `${history},${before}`;
  return annotations;
}
