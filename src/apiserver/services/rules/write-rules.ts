import { change, read, replace, service, SERVICES, WEB } from './requests.ts';
import type { RuleCase, RuleRequest } from './rule-case.ts';

const at = (method: RuleRequest['method'], path: string, body?: unknown): RuleRequest => ({ method, path, body });

/** A whole Service with metadata of its own. */
function whole(metadata: object, spec: object = { ports: WEB }): object {
  return { apiVersion: 'v1', kind: 'Service', metadata, spec };
}

/** What holds for each write, whatever it says. */
export const writeRules: readonly RuleCase[] = [
  { name: 'a name that is taken', given: [service()], ask: service() },
  { name: 'a PUT of what is not there', ask: replace({ ports: WEB }) },
  { name: 'a PUT of what is not there and is not valid', ask: replace({ ports: [] }) },
  { name: 'a PUT of another name', given: [service()], ask: at('PUT', `${SERVICES}/s`, whole({ name: 't' })) },
  {
    name: 'a PUT of another namespace',
    given: [service()],
    ask: at('PUT', `${SERVICES}/s`, whole({ name: 's', namespace: 'kube-system' })),
  },
  {
    name: 'a PUT of an old version',
    given: [service()],
    ask: at('PUT', `${SERVICES}/s`, whole({ name: 's', resourceVersion: '1' })),
  },
  { name: 'a patch of what is not there', ask: change({ ports: WEB }) },
  { name: 'a DELETE of what is not there', ask: at('DELETE', `${SERVICES}/s`) },
  { name: 'a GET of what is not there', ask: read(`${SERVICES}/s`) },
  {
    name: 'several things wrong in an update',
    given: [service({ clusterIP: '10.96.1.9' })],
    ask: change({ clusterIP: '10.96.1.8', clusterIPs: ['10.96.1.8'], sessionAffinity: 'x', ports: [{ port: 0 }] }),
  },
  {
    name: 'labels that are none in an update',
    given: [service()],
    ask: at('PUT', `${SERVICES}/s`, whole({ name: 's', labels: { 'a b': 'c' } }, { ports: [{ port: 0 }] })),
  },
  // Headless: with an address to be given, kube-apiserver tries each of the range in vain until the request times out.
  { name: 'no name', ask: at('POST', SERVICES, whole({}, { ports: WEB, clusterIP: 'None' })) },
  {
    name: 'a field unknown, strictly',
    ask: at('POST', `${SERVICES}?fieldValidation=Strict`, whole({ name: 's' }, { ports: WEB, foo: 1 })),
  },
  {
    name: 'a field unknown, with a warning',
    ask: at('POST', `${SERVICES}?fieldValidation=Warn`, whole({ name: 's' }, { ports: WEB, foo: 1 })),
  },
  { name: 'a port that is a text', ask: service({ ports: [{ port: '80' }] }) },
  { name: 'a selector of numbers', ask: service({ selector: { a: 1 } }) },
  { name: 'addresses that are one text', ask: service({ clusterIPs: '10.96.1.9' }) },
  { name: 'a field selector unknown', ask: read(`${SERVICES}?fieldSelector=spec.foo%3Dx`) },
];
