import { rfc3339 } from '#base/clock.ts';
import type { APIService, ComponentStatus } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { apiServices, apiVersionOf, componentStatuses, type Resource } from '#api/resource.ts';
import { notFoundStatus } from '#api/status.ts';
import type { ResourceContext, ServerContext } from '../context.ts';
import type { HealthCheck } from '../discovery/health.ts';
import { servedGroups, servedResources } from '../discovery/served-resource.ts';
import { matcherOf, parseListOptions } from '../list-options.ts';
import { listResponse, objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';

/** Kinds whose objects are made when they are asked for, and stored nowhere. */
const COMPUTED: readonly (readonly [Resource, (server: ServerContext) => readonly KubeObject[]])[] = [
  [componentStatuses, ({ components }) => components.map(componentOf)],
  [apiServices, servicesOf],
];

/** The objects of such a kind; undefined for all other kinds. */
export function computedObjects({ server, kind }: ResourceContext): readonly KubeObject[] | undefined {
  const { group, plural } = kind.resource;
  const found = COMPUTED.find(([resource]) => resource.group === group && resource.plural === plural);
  return found?.[1](server);
}

/** One of them, or those that are chosen. */
export function computed(context: ResourceContext, objects: readonly KubeObject[]): ApiResponse {
  const { kind, info, request } = context;
  if (info.name !== undefined) {
    const found = objects.find(({ metadata }) => metadata.name === info.name);
    if (found === undefined) throw new StatusError(notFoundStatus(kind.resource, info.name));
    return objectResponse(context, { object: found });
  }
  const matches = matcherOf(kind, parseListOptions(kind, request.query, false));
  const chosen = objects.filter((object) => matches === undefined || matches(object));
  const sendable = chosen.map((object) => ({ object }));
  return listResponse(context, sendable, { resourceVersion: '' });
}

/** How a part of the cluster is, now. */
function componentOf({ name, problem }: HealthCheck): KubeObject {
  const error = problem();
  const condition =
    error === undefined
      ? ({ type: 'Healthy', status: 'True', message: 'ok' } as const)
      : ({ type: 'Healthy', status: 'False', error } as const);
  const status = { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name }, conditions: [condition] };
  return status as unknown as ComponentStatus;
}

/** How groups stand to each other where a client may choose; others are of custom kinds. */
const PRIORITIES: Readonly<Record<string, number>> = {
  '': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'apiextensions.k8s.io': 16700,
  'admissionregistration.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
};
/** How the versions of a group do, where not as most. */
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  'v1.': 1,
  'v2.autoscaling': 30,
  'v1.flowcontrol.apiserver.k8s.io': 21,
};
const OWN_GROUP = apiServices.group;
const CUSTOM_PRIORITY = 1000;

/** Every group and version that is served, all of them by this server. */
function servicesOf({ registry, clock }: ServerContext): readonly KubeObject[] {
  const groups = servedGroups(servedResources(registry)).filter(({ group }) => group !== OWN_GROUP);
  const started = rfc3339(clock.now() - clock.monotonic());
  const available = {
    type: 'Available',
    status: 'True',
    lastTransitionTime: started,
    reason: 'Local',
    message: 'Local APIServices are always available',
  };
  const all = groups.flatMap(({ group, versions }) =>
    versions.map(({ version }) => {
      const groupPriorityMinimum = PRIORITIES[group] ?? CUSTOM_PRIORITY;
      const name = `${version}.${group}`;
      const versionPriority = VERSION_PRIORITIES[name] ?? (PRIORITIES[group] === undefined ? 100 : 15);
      return {
        apiVersion: apiVersionOf(apiServices),
        kind: apiServices.kind,
        metadata: { name, creationTimestamp: started },
        spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum, versionPriority },
        status: { conditions: [available] },
      } as unknown as APIService;
    }),
  );
  return all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
