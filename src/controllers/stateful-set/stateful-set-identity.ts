import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '#api/generated/types.ts';
import { controllerOf, type NewObject } from '#api/object.ts';
import { REVISION_HASH } from '../revision/controller-revision.ts';
import { podFromTemplate } from '../pod-template.ts';

const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** -1 for a Pod that is not named as the set's Pods are. */
export function ordinalOf(set: StatefulSet, { metadata: { name } }: Pod): number {
  const prefix = `${set.metadata.name}-`;
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d{1,9}$/.test(digits) ? Number(digits) : -1;
}

export function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name}-${podName(set, ordinal)}`;
}

export function podRevision(pod: Pod): string | undefined {
  return pod.metadata.labels?.[REVISION_HASH];
}

/** The set's Pod of that ordinal: its name, its host name and its claims are the same at every birth. */
export function statefulPod(
  set: StatefulSet,
  template: PodTemplateSpec,
  revision: string,
  ordinal: number,
): NewObject<Pod> {
  const { metadata, spec } = podFromTemplate(set, template);
  const name = podName(set, ordinal);
  return {
    metadata: {
      ...metadata,
      name,
      labels: { ...metadata.labels, [POD_NAME]: name, [POD_INDEX]: String(ordinal), [REVISION_HASH]: revision },
    },
    spec: {
      containers: [],
      ...spec,
      ...(spec?.volumes === undefined && claimTemplates(set).length === 0
        ? {}
        : { volumes: withClaims(set, ordinal, spec?.volumes) }),
      hostname: name,
      ...((set.spec.serviceName ?? '') === '' ? {} : { subdomain: set.spec.serviceName }),
    },
  };
}

/** A claim takes the place of a volume of the template with the same name. */
function withClaims(set: StatefulSet, ordinal: number, volumes: readonly Volume[] = []): readonly Volume[] {
  const claims = claimTemplates(set);
  const names = new Set(claims.map(({ metadata }) => metadata.name));
  return [
    ...claims.map((claim) => ({
      name: claim.metadata.name,
      persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
    })),
    ...volumes.filter(({ name }) => !names.has(name)),
  ];
}

/** One without metadata has no name, which the server says of its claim. */
function claimTemplates({ spec }: StatefulSet): readonly PersistentVolumeClaim[] {
  const templates: readonly Partial<PersistentVolumeClaim>[] = spec.volumeClaimTemplates ?? [];
  return templates.map(
    (template) => ({ ...template, metadata: { name: '', ...template.metadata } }) as PersistentVolumeClaim,
  );
}

/** The claims of the Pod of that ordinal. */
export function statefulClaims(set: StatefulSet, ordinal: number): readonly NewObject<PersistentVolumeClaim>[] {
  return claimTemplates(set).map(({ metadata, spec }) => ({
    metadata: {
      name: claimName(set, { metadata } as PersistentVolumeClaim, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    spec,
  }));
}

/** The labels that an adopted Pod lacks, as a patch; undefined when it has its identity. */
export function missingIdentity(set: StatefulSet, pod: Pod): Readonly<Record<string, string>> | undefined {
  const { name, labels = {} } = pod.metadata;
  const wanted = { [POD_NAME]: name, [POD_INDEX]: String(ordinalOf(set, pod)) };
  return Object.entries(wanted).every(([key, value]) => labels[key] === value) ? undefined : wanted;
}

/** Whether the claim lives and dies with a Pod of that name that is another one, or gone. */
export function isStaleClaim(claim: PersistentVolumeClaim, name: string): boolean {
  const owner = controllerOf(claim);
  return owner?.kind === 'Pod' && owner.name === name;
}
