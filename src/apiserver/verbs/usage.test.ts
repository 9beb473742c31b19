import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import test from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { bodyOf, outcome, TestServer } from '../testing/test-server.ts';

const PODS = '/api/v1/namespaces/default/pods';
const METRICS = '/apis/metrics.k8s.io/v1beta1';

/** `n1` answers with what it was given; no other node does. */
function nodeWith(summary: () => unknown): (name: string) => Promise<Duplex> {
  const http = createServer((_, response) => response.end(JSON.stringify(summary())));
  return (name) => {
    if (name !== 'n1') return Promise.reject(new Error(`no route to ${name}`));
    const [ours, theirs] = duplexPair();
    http.emit('connection', theirs);
    return Promise.resolve(ours);
  };
}

interface Listed {
  readonly kind: string;
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly usage?: object;
    readonly containers?: readonly object[];
  }[];
}

test('what nodes and Pods use is asked of the nodes', async () => {
  let uid = '';
  const amounts = { cpu: { usageNanoCores: 1500 }, memory: { workingSetBytes: 2048 } };
  const summary = (): unknown => ({
    node: amounts,
    pods: [{ podRef: { uid }, containers: [{ name: 'c', ...amounts }] }],
  });
  await using server = await TestServer.start({ dialNode: nodeWith(summary) });
  for (const name of ['n1', 'n2']) await server.post('/api/v1/nodes', { metadata: { name } });
  const make = async (name: string, nodeName: string): Promise<string> => {
    const metadata = { name, labels: { app: name } };
    const answer = await server.post(PODS, { metadata, spec: { nodeName, containers: [{ name: 'c', image: 'i' }] } });
    return bodyOf<Pod>(answer).metadata.uid;
  };
  uid = await make('a', 'n1');
  await make('b', 'n2');
  const list = async (path: string): Promise<string> => {
    const { kind, items } = bodyOf<Listed>(await server.get(`${METRICS}/${path}`));
    const shown = items.map(
      ({ metadata, usage, containers }) => `${metadata.name} ${JSON.stringify(usage ?? containers)}`,
    );
    return [kind, ...shown].join('; ');
  };
  const used = '{"cpu":"1500n","memory":"2Ki"}';
  assert.equal(await list('nodes'), `NodeMetricsList; n1 ${used}`);
  assert.equal(await list('pods'), `PodMetricsList; a [{"name":"c","usage":${used}}]`);
  assert.equal(await list('namespaces/default/pods?labelSelector=app%3Db'), 'PodMetricsList');
  assert.equal(outcome(await server.get(`${METRICS}/namespaces/default/pods/a`)), '200');
  assert.equal(
    outcome(await server.get(`${METRICS}/namespaces/default/pods/b`)),
    '404 NotFound: pods.metrics.k8s.io "b" not found',
  );
  assert.match(outcome(await server.post(`${METRICS}/nodes`, {})), /^405 MethodNotAllowed/);
});
