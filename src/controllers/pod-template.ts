import type { Pod, PodTemplateSpec } from '#api/generated/types.ts';
import type { KubeObject, NewObject } from '#api/object.ts';
import { controllerReference } from './claims.ts';

/** A Pod of `owner`, yet to be named; the server draws the end of the name. */
export function podFromTemplate(owner: KubeObject, template: PodTemplateSpec | undefined): NewObject<Pod> {
  const { metadata, spec } = template ?? {};
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(metadata?.finalizers === undefined ? {} : { finalizers: metadata.finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    ...(spec === undefined ? {} : { spec }),
  };
}
