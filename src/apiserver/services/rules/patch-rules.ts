import { patch, read, service, SERVICES } from './requests.ts';
import type { RuleCase, RuleRequest } from './rule-case.ts';

const S = `${SERVICES}/s`;

const strategic = (spec: object): RuleRequest => patch('application/strategic-merge-patch+json', { spec });
const json = (...operations: readonly object[]): RuleRequest => patch('application/json-patch+json', operations);
const apply = (spec: object, manager: string = 'm'): RuleRequest =>
  patch(
    'application/apply-patch+yaml',
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec },
    `${S}?fieldManager=${manager}`,
  );
const made = (metadata: object, spec: object = { ports: [{ port: 80 }] }): RuleRequest => ({
  method: 'POST',
  path: SERVICES,
  body: { apiVersion: 'v1', kind: 'Service', metadata, spec },
});
const remove = (query: string): RuleRequest => ({ method: 'DELETE', path: `${S}${query}` });

const patches: readonly RuleCase[] = [
  {
    name: 'a strategic patch adds a port',
    given: [service({ ports: [{ name: 'a', port: 80 }] })],
    ask: strategic({ ports: [{ name: 'b', port: 81 }] }),
  },
  {
    name: 'a strategic patch changes a port',
    given: [service({ ports: [{ name: 'a', port: 80, targetPort: 8080 }] })],
    ask: strategic({ ports: [{ port: 80, targetPort: 9090 }] }),
  },
  {
    name: 'a strategic patch takes a port away',
    given: [
      service({
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 81 },
        ],
      }),
    ],
    ask: strategic({ ports: [{ port: 81, $patch: 'delete' }] }),
  },
  {
    name: 'a strategic patch of one number with two protocols',
    given: [
      service({
        ports: [
          { name: 'a', port: 53 },
          { name: 'b', port: 53, protocol: 'UDP' },
        ],
      }),
    ],
    ask: strategic({ ports: [{ port: 53, targetPort: 5353 }] }),
  },
  {
    name: 'a strategic patch of the selector',
    given: [service({ selector: { a: '1', b: '2' } })],
    ask: strategic({ selector: { a: null, c: '3' } }),
  },
  {
    name: 'a JSON patch of the type',
    given: [service()],
    ask: json({ op: 'replace', path: '/spec/type', value: 'NodePort' }),
  },
  {
    name: 'a JSON patch that tests',
    given: [service()],
    ask: json({ op: 'test', path: '/spec/type', value: 'NodePort' }, { op: 'remove', path: '/spec/selector' }),
  },
  { name: 'an apply makes it', ask: apply({ ports: [{ port: 80, protocol: 'TCP' }] }) },
  {
    name: 'an apply of one number with two protocols',
    given: [
      apply({
        ports: [
          { name: 'a', port: 53, protocol: 'TCP' },
          { name: 'b', port: 53, protocol: 'UDP' },
        ],
      }),
    ],
    ask: apply({ ports: [{ name: 'b', port: 53, protocol: 'UDP', targetPort: 5353 }] }),
  },
  {
    name: 'an apply that takes the node port back',
    given: [apply({ type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30417 }] })],
    ask: apply({ type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }] }),
  },
  {
    name: "an apply against another's",
    given: [apply({ sessionAffinity: 'ClientIP', ports: [{ port: 80, protocol: 'TCP' }] })],
    ask: apply({ sessionAffinity: 'None', ports: [{ port: 80, protocol: 'TCP' }] }, 'n'),
  },
];

const objects: readonly RuleCase[] = [
  { name: 'labels that are none', ask: made({ name: 's', labels: { 'a b': 'c d' } }) },
  { name: 'an annotation that is none', ask: made({ name: 's', annotations: { 'a b': 'c' } }) },
  { name: 'a finalizer that is none', ask: made({ name: 's', finalizers: ['a b'] }) },
  { name: 'a finalizer without a domain', ask: made({ name: 's', finalizers: ['mine'] }) },
  {
    name: 'an owner without a name',
    ask: made({ name: 's', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', uid: 'u', name: '' }] }),
  },
  { name: 'a name that is made', ask: made({ generateName: 's-' }) },
  { name: 'a namespace that is another', ask: made({ name: 's', namespace: 'other' }) },
  { name: 'dry run of a DELETE', given: [service()], ask: remove('?dryRun=All') },
  { name: 'a DELETE with a grace period that is none', given: [service()], ask: remove('?gracePeriodSeconds=x') },
  {
    name: 'the name changed',
    given: [service()],
    ask: patch('application/merge-patch+json', { metadata: { name: 't' } }),
  },
  {
    name: 'an empty patch',
    given: [service({ clusterIP: '10.96.1.77' })],
    ask: patch('application/merge-patch+json', {}),
  },
  { name: 'a patch that is no object', given: [service()], ask: patch('application/merge-patch+json', 7) },
  {
    name: 'a patch of another kind of patch',
    given: [service()],
    ask: patch('application/x-patch', {}),
    differs: {
      answer:
        '415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor, application/strategic-merge-patch+json',
      reason: 'there it is a line of text, and no Status, before anybody looks at the path',
    },
  },
  {
    name: 'a PUT without a name',
    given: [service()],
    ask: {
      method: 'PUT',
      path: S,
      body: { apiVersion: 'v1', kind: 'Service', metadata: {}, spec: { ports: [{ port: 80 }] } },
    },
  },
  {
    name: 'a POST of another kind',
    ask: { method: 'POST', path: SERVICES, body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 's' } } },
    differs: {
      answer:
        '400 BadRequest: Pod in version "v1" cannot be handled as a Service: no kind "Pod" is registered for this path, it serves v1, Kind=Service',
      reason: 'kube-apiserver names its own types in Go',
    },
  },
  {
    name: 'a POST of another version',
    ask: { method: 'POST', path: SERVICES, body: { apiVersion: 'v2', kind: 'Service', metadata: { name: 's' } } },
    differs: {
      answer: '400 BadRequest: the API version in the data (v2) does not match the expected API version (v1)',
      reason: 'kube-apiserver names a file of its source',
    },
  },
  {
    name: 'a POST of no spec',
    ask: { method: 'POST', path: SERVICES, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } } },
  },
  {
    name: 'Services of one type',
    given: [service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30418 }], clusterIP: '10.96.1.78' })],
    ask: read(`${SERVICES}?fieldSelector=spec.type%3DLoadBalancer`),
  },
];

/** Every way to change a Service, and what its metadata may hold. */
export const patchRules: readonly RuleCase[] = [...patches, ...objects];
