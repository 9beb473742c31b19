import { Readable } from 'node:stream';
import { type FieldError, invalid, invalidStatus } from '#api/field-error.ts';
import type { ResourceContext } from '../context.ts';
import { parseInteger } from '../list-options.ts';
import { fetchFromNode } from '../node-proxy.ts';
import { podTarget } from '../pod-target.ts';
import type { StreamResponse } from '../response.ts';
import { StatusError } from '../status-error.ts';

/** A container's log, as its node sends it. */
export async function podLog(context: ResourceContext): Promise<StreamResponse> {
  const { server, info, request } = context;
  checkOptions(request.query, info.name ?? '');
  const at = { namespace: info.namespace ?? '', name: info.name ?? '' };
  const { nodeName, path } = podTarget(server, 'log', at, new URLSearchParams(request.query));
  // Nothing runs yet, so nothing has been said yet.
  if (nodeName === undefined)
    return { kind: 'stream', status: 204, contentType: 'text/plain', body: Readable.from([]) };
  const answer = await fetchFromNode(server.nodes, nodeName, path, request.signal);
  return { kind: 'stream', ...answer };
}

function checkOptions(query: Readonly<Record<string, string>>, name: string): void {
  const errors: FieldError[] = [];
  const atLeast = (field: string, least: number): void => {
    const value = parseInteger(query[field]);
    if (value === undefined || value >= least) return;
    errors.push(invalid(field, value, `must be greater than ${least === 0 ? 'or equal to 0' : '0'}`));
  };
  atLeast('tailLines', 0);
  atLeast('limitBytes', 1);
  atLeast('sinceSeconds', 1);
  if (query['sinceSeconds'] && query['sinceTime']) {
    errors.push({
      kind: 'forbidden',
      field: '',
      detail: 'at most one of `sinceTime` or `sinceSeconds` may be specified',
    });
  }
  if (errors.length > 0) throw new StatusError(invalidStatus({ group: '', kind: 'PodLogOptions' }, name, errors));
}
