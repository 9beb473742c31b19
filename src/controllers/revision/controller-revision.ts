import { deepEqual } from '#api/equal.ts';
import type { ControllerRevision, PodTemplateSpec } from '#api/generated/types.ts';
import type { KubeObject, NewObject } from '#api/object.ts';
import { controllerReference } from '../claims.ts';
import { ordered, templateHash } from './template-hash.ts';

/** On Pods: what they were made from. On the revisions of a DaemonSet: the hash in their names. */
export const REVISION_HASH = 'controller-revision-hash';
/** The same on the revisions of a StatefulSet. */
const SET_HASH = 'controller.kubernetes.io/hash';

type NewRevision = NewObject<ControllerRevision> & Pick<ControllerRevision, 'revision' | 'data'>;

export type RevisionStep =
  | { readonly kind: 'keep'; readonly revision: ControllerRevision }
  /** A template that was there before becomes the latest again. */
  | { readonly kind: 'raise'; readonly revision: ControllerRevision; readonly to: number }
  | { readonly kind: 'create'; readonly object: NewRevision };

/**
 * The form that `kubectl rollout undo` sends as a strategic merge patch: without the mark it would merge containers. It
 * tells by its bytes whether there is something to undo, so the members are in the order in which Go writes them.
 */
export function revisionData({ metadata, ...template }: PodTemplateSpec): object {
  const present = Object.entries(metadata ?? {}).filter(([, value]) => value !== null);
  const whole = { ...template, metadata: Object.fromEntries(present), $patch: 'replace' };
  return { spec: { template: ordered(whole) } };
}

export function templateOf(revision: Pick<ControllerRevision, 'data'>): PodTemplateSpec {
  const data = revision.data as {
    readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: string } };
  };
  const { $patch: _, ...template } = data.spec.template;
  return template;
}

/** Oldest first. */
export function sortRevisions(revisions: readonly ControllerRevision[]): readonly ControllerRevision[] {
  return [...revisions].sort((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** What makes the owner's template the latest of its revisions. Models getStatefulSetRevisions of v1.34. */
export function planRevision(
  owner: KubeObject,
  template: PodTemplateSpec,
  revisions: readonly ControllerRevision[],
  collisionCount: number | undefined,
): RevisionStep {
  const sorted = sortRevisions(revisions);
  const data = revisionData(template);
  const latest = sorted.at(-1);
  const same = sorted.findLast((revision) => deepEqual(revision.data, data));
  const next = (latest?.revision ?? 0) + 1;
  if (same !== undefined)
    return same === latest ? { kind: 'keep', revision: same } : { kind: 'raise', revision: same, to: next };
  const hash = templateHash(template, collisionCount);
  const metadata = {
    name: `${owner.metadata.name}-${hash}`,
    namespace: owner.metadata.namespace,
    labels: { ...template.metadata?.labels, [owner.kind === 'DaemonSet' ? REVISION_HASH : SET_HASH]: hash },
    ...(owner.metadata.annotations === undefined ? {} : { annotations: owner.metadata.annotations }),
    ownerReferences: [controllerReference(owner)],
  };
  return { kind: 'create', object: { metadata, data, revision: next } };
}

/** The oldest of those that nothing uses, but for the `limit` youngest of them. */
export function staleRevisions(
  revisions: readonly ControllerRevision[],
  used: ReadonlySet<string>,
  limit: number,
): readonly ControllerRevision[] {
  const unused = sortRevisions(revisions).filter(({ metadata }) => !used.has(metadata.name));
  return unused.slice(0, Math.max(0, unused.length - limit));
}
