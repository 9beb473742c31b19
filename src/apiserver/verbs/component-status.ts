import type { ComponentStatus } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { componentStatuses } from '#api/resource.ts';
import { notFoundStatus } from '#api/status.ts';
import type { ResourceContext } from '../context.ts';
import type { HealthCheck } from '../discovery/health.ts';
import { matcherOf, parseListOptions } from '../list-options.ts';
import { listResponse, objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';

export function isComponentStatus({ kind }: Pick<ResourceContext, 'kind'>): boolean {
  return kind.resource.group === '' && kind.resource.plural === componentStatuses.plural;
}

/** How the parts of the cluster are that Kubernetes has by these names, now. */
export function componentStatus(context: ResourceContext): ApiResponse {
  const { server, kind, info, request } = context;
  const all = server.components.map(statusOf);
  if (info.name !== undefined) {
    const found = all.find(({ metadata }) => metadata.name === info.name);
    if (found === undefined) throw new StatusError(notFoundStatus(kind.resource, info.name));
    return objectResponse(context, { object: found });
  }
  const matches = matcherOf(kind, parseListOptions(kind, request.query, false));
  const chosen = all.filter((object) => matches === undefined || matches(object));
  return listResponse(
    context,
    chosen.map((object) => ({ object })),
    { resourceVersion: '' },
  );
}

function statusOf({ name, problem }: HealthCheck): KubeObject {
  const error = problem();
  const condition =
    error === undefined
      ? ({ type: 'Healthy', status: 'True', message: 'ok' } as const)
      : ({ type: 'Healthy', status: 'False', error } as const);
  const status = { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name }, conditions: [condition] };
  return status as unknown as ComponentStatus;
}
