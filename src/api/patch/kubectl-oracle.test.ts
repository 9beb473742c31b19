/**
 * The same patch through our code and through `kubectl patch --local`, which applies patches with Kubernetes' own
 * libraries. Skipped where no kubectl is on PATH.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';
import { isObject } from './json-value.ts';

const run = promisify(execFile);
const kubectl = await run('kubectl', ['version', '--client']).then(
  () => 'kubectl',
  () => undefined,
);
const skip = kubectl === undefined ? 'no kubectl on PATH' : false;

const documents = {
  Service: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'dns', labels: { app: 'dns' }, finalizers: ['a', 'b', 'c'] },
    spec: {
      selector: { app: 'dns' },
      ports: [
        { name: 'udp', port: 53, protocol: 'UDP' },
        { name: 'tcp', port: 53, protocol: 'TCP' },
        { name: 'metrics', port: 9153, targetPort: 'metrics' },
      ],
      externalIPs: ['192.0.2.1', '192.0.2.2'],
    },
  },
  Deployment: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', annotations: { 'a/b': 'c' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'web:1',
              env: [
                { name: 'A', value: '1' },
                { name: 'B', value: '2' },
              ],
              ports: [{ containerPort: 80 }],
            },
            { name: 'side', image: 'side:1', args: ['x', 'y'] },
          ],
          tolerations: [{ key: 'a', operator: 'Exists' }],
          volumes: [
            { name: 'data', emptyDir: {} },
            { name: 'conf', configMap: { name: 'conf' } },
          ],
          hostAliases: [{ ip: '192.0.2.9', hostnames: ['nine'] }],
        },
      },
    },
  },
};

const pod = (spec: string): string => `{"spec":{"template":{"spec":${spec}}}}`;

const cases: readonly (readonly ['strategic' | 'merge' | 'json', keyof typeof documents, string])[] = [
  ['strategic', 'Service', '{"spec":{"type":"NodePort"},"metadata":{"labels":{"app":null,"x":"y"}}}'],
  ['strategic', 'Service', '{"spec":{"ports":[{"port":53,"nodePort":30053}]}}'],
  ['strategic', 'Service', '{"spec":{"ports":[{"port":80},{"port":53,"$patch":"delete"}]}}'],
  ['strategic', 'Service', '{"spec":{"ports":[{"port":80,"name":"http"},{"port":443,"name":"https"}]}}'],
  ['strategic', 'Service', '{"spec":{"ports":[{"port":80},{"$patch":"replace"}]}}'],
  [
    'strategic',
    'Service',
    '{"spec":{"$setElementOrder/ports":[{"port":9153},{"port":53}],"ports":[{"port":9153,"name":"m"}]}}',
  ],
  ['strategic', 'Service', '{"spec":{"$setElementOrder/ports":[{"port":8080},{"port":53}],"ports":[{"port":8080}]}}'],
  ['strategic', 'Service', '{"spec":{"externalIPs":["192.0.2.3"],"selector":{"$patch":"replace","b":"c"}}}'],
  ['strategic', 'Service', '{"spec":{"selector":{"$patch":"delete"}}}'],
  ['strategic', 'Service', '{"metadata":{"finalizers":["d","b"]}}'],
  [
    'strategic',
    'Service',
    '{"metadata":{"$deleteFromPrimitiveList/finalizers":["b","a"],"$setElementOrder/finalizers":["d","c"],"finalizers":["d"]}}',
  ],
  ['strategic', 'Service', '{"metadata":{"$setElementOrder/finalizers":["c","a"]}}'],
  ['strategic', 'Service', '{"metadata":{"ownerReferences":[{"uid":"1","name":"x","kind":"K","apiVersion":"v1"}]}}'],
  ['strategic', 'Deployment', pod('{"containers":[{"name":"side","args":["z"]}]}')],
  [
    'strategic',
    'Deployment',
    pod(
      '{"containers":[{"name":"new","image":"n"},{"name":"web","env":[{"name":"C","value":"3"},{"name":"A","value":null}]}]}',
    ),
  ],
  [
    'strategic',
    'Deployment',
    pod(
      '{"$setElementOrder/containers":[{"name":"side"},{"name":"web"}],"containers":[{"name":"web","$setElementOrder/env":[{"name":"B"},{"name":"N"}],"env":[{"name":"N","value":"n"},{"name":"A","$patch":"delete"}]}]}',
    ),
  ],
  [
    'strategic',
    'Deployment',
    pod('{"containers":[{"name":"web","ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":443}]}]}'),
  ],
  ['strategic', 'Deployment', pod('{"tolerations":[{"key":"b","operator":"Exists"}]}')],
  [
    'strategic',
    'Deployment',
    pod('{"volumes":[{"$retainKeys":["name","secret"],"name":"data","secret":{"secretName":"s"}}]}'),
  ],
  [
    'strategic',
    'Deployment',
    pod('{"hostAliases":[{"ip":"192.0.2.8","hostnames":["eight"]},{"ip":"192.0.2.9","hostnames":["nine","neun"]}]}'),
  ],
  [
    'strategic',
    'Deployment',
    pod('{"imagePullSecrets":[{"name":"a"}],"topologySpreadConstraints":[{"topologyKey":"z","maxSkew":1}]}'),
  ],
  ['strategic', 'Deployment', '{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}'],
  ['strategic', 'Deployment', '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}'],
  [
    'merge',
    'Service',
    '{"spec":{"ports":[{"port":1,"name":null}],"selector":null,"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":null}}}}',
  ],
  ['merge', 'Deployment', '{"metadata":{"annotations":{"a/b":null,"d":"e"}},"spec":{"replicas":3}}'],
  [
    'json',
    'Service',
    '[{"op":"add","path":"/spec/ports/1","value":{"port":1}},{"op":"remove","path":"/spec/ports/-1"},{"op":"replace","path":"/spec/type","value":"NodePort"}]',
  ],
  [
    'json',
    'Service',
    '[{"op":"test","path":"/spec/ports/0/port","value":53},{"op":"move","from":"/spec/ports/0","path":"/spec/ports/-"},{"op":"copy","from":"/metadata/labels","path":"/spec/copied"}]',
  ],
  ['json', 'Deployment', '[{"op":"remove","path":"/metadata/annotations/a~1b"}]'],
];

function ours(kind: 'strategic' | 'merge' | 'json', model: keyof typeof documents, patch: unknown): unknown {
  if (kind === 'json') return applyJsonPatch(documents[model], patch);
  if (kind === 'merge') return applyMergePatch(documents[model], patch);
  return applyStrategicMergePatch(documents[model], patch, model);
}

/** `--local` prints the patched map before it is decoded into a type, which is where nulls and stray directives go. */
function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => decoded(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => member !== null && !key.startsWith('$'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, decoded(member)]),
  );
}

test('patches as kubectl does', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'patch-oracle-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const [kind, document] of Object.entries(documents)) {
    await writeFile(join(dir, kind), JSON.stringify(document));
  }
  for (const [kind, model, patch] of cases) {
    await t.test(`${kind} ${model} ${patch}`, async () => {
      const args = ['patch', '--local', '-f', join(dir, model), '-o', 'json', `--type=${kind}`, '-p', patch];
      const { stdout } = await run('kubectl', args);
      const result = decoded(ours(kind, model, JSON.parse(patch)));
      assert.equal(JSON.stringify(result, null, 1), JSON.stringify(decoded(JSON.parse(stdout)), null, 1));
    });
  }
});
