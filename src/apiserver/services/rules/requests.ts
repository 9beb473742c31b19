import type { RuleRequest } from './rule-case.ts';

export const SERVICES = '/api/v1/namespaces/default/services';
const NETWORKING = '/apis/networking.k8s.io/v1';

export const WEB: readonly object[] = [{ port: 80 }];

interface Options {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean;
}

/** A Service `s` with one port, unless the spec says otherwise. */
export function service(spec: object = {}, { name = 's', annotations, dryRun }: Options = {}): RuleRequest {
  const body = { apiVersion: 'v1', kind: 'Service', metadata: { name, annotations }, spec: { ports: WEB, ...spec } };
  return { method: 'POST', path: dryRun === true ? `${SERVICES}?dryRun=All` : SERVICES, body };
}

/** Another one, that holds what the case is about. */
export function other(spec: object = {}): RuleRequest {
  return service(spec, { name: 'other' });
}

/** A merge patch of the spec of `s`. */
export function change(spec: object, query: string = ''): RuleRequest {
  const path = `${SERVICES}/s${query}`;
  return { method: 'PATCH', path, body: { spec }, contentType: 'application/merge-patch+json' };
}

/** A patch of whatever type of `s`. */
export function patch(contentType: string, body: unknown, path: string = `${SERVICES}/s`): RuleRequest {
  return { method: 'PATCH', path, body, contentType };
}

/** The whole of `s` anew. */
export function replace(spec: object): RuleRequest {
  const body = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec };
  return { method: 'PUT', path: `${SERVICES}/s`, body };
}

/** A merge patch of the status of `s`. */
export function status(value: object): RuleRequest {
  const path = `${SERVICES}/s/status`;
  return { method: 'PATCH', path, body: { status: value }, contentType: 'application/merge-patch+json' };
}

export function read(path: string): RuleRequest {
  return { method: 'GET', path };
}

export function range(cidrs: readonly string[]): RuleRequest {
  const metadata = { name: 'more' };
  return {
    method: 'POST',
    path: `${NETWORKING}/servicecidrs`,
    body: { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata, spec: { cidrs } },
  };
}

export function changeRange(cidrs: readonly string[]): RuleRequest {
  const path = `${NETWORKING}/servicecidrs/more`;
  return { method: 'PATCH', path, body: { spec: { cidrs } }, contentType: 'application/merge-patch+json' };
}

export function address(name: string, parentRef: object | undefined): RuleRequest {
  return {
    method: 'POST',
    path: `${NETWORKING}/ipaddresses`,
    body: { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name }, spec: { parentRef } },
  };
}

export function changeAddress(name: string, parentRef: object): RuleRequest {
  const path = `${NETWORKING}/ipaddresses/${name}`;
  return { method: 'PATCH', path, body: { spec: { parentRef } }, contentType: 'application/merge-patch+json' };
}

export function slice(fields: object): RuleRequest {
  return {
    method: 'POST',
    path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    body: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'e' }, ...fields },
  };
}

export function changeSlice(fields: object): RuleRequest {
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/e';
  return { method: 'PATCH', path, body: fields, contentType: 'application/merge-patch+json' };
}

export function endpoints(subsets: readonly object[]): RuleRequest {
  const body = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'e' }, subsets };
  return { method: 'POST', path: '/api/v1/namespaces/default/endpoints', body };
}
