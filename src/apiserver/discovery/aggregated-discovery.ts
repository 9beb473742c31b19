import type { ServedGroup, ServedResource } from './served-resource.ts';

/** All groups with all their resources in one answer (KEP-3352), so that a client needs two requests and not forty. */
export function aggregatedDiscovery(groups: readonly ServedGroup[], version: string): unknown {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map(({ version, resources }) => ({
        version,
        resources: resources.map(describe),
        freshness: 'Current',
      })),
    })),
  };
}

function describe(resource: ServedResource): unknown {
  const { group, version, plural, singular, kind, namespaced, verbs, shortNames, categories, subresources } = resource;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, verbs, ...responseKind }) => ({
            subresource: name,
            responseKind,
            verbs,
          })),
        }),
  };
}
