import assert from 'node:assert/strict';
import test from 'node:test';
import type { Service, ServiceSpec } from '#api/generated/types.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { bodyOf, cidrs, outcome, TestServer } from '../testing/test-server.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const PORTS = [{ port: 80 }];
const V4 = cidrs('10.96.0.0/28');
const DUAL = cidrs('10.96.0.0/28', 'fd00::/112');

function post(server: TestServer, name: string, spec: object): ReturnType<TestServer['post']> {
  return server.post(SERVICES, { metadata: { name }, spec: { ports: PORTS, ...spec } });
}

async function spec(server: TestServer, name: string): Promise<ServiceSpec> {
  return bodyOf<Service>(await server.get(`${SERVICES}/${name}`)).spec;
}

test('a Service without a type gets an address out of the range, and keeps it', async () => {
  await using server = await TestServer.start({ serviceCidrs: V4 });
  await post(server, 's', { selector: { app: 'web' } });
  const created = await spec(server, 's');
  assert.match(created.clusterIP ?? '', /^10\.96\.0\.(?:[1-9]|1[0-4])$/);
  assert.deepEqual(
    { ...created, clusterIP: 'ip', clusterIPs: created.clusterIPs?.map(() => 'ip') },
    {
      clusterIP: 'ip',
      clusterIPs: ['ip'],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      selector: { app: 'web' },
      sessionAffinity: 'None',
      type: 'ClusterIP',
    },
  );
  await server.put(`${SERVICES}/s`, { metadata: { name: 's' }, spec: { ports: [{ port: 81 }] } });
  assert.equal((await spec(server, 's')).clusterIP, created.clusterIP);
});

const cases = [
  {
    name: 'a chosen address',
    spec: { clusterIP: '10.96.0.9' },
    shown: ['10.96.0.9', ['10.96.0.9'], ['IPv4'], 'SingleStack'],
  },
  {
    name: 'headless',
    spec: { clusterIP: 'None', selector: { a: 'b' } },
    shown: ['None', ['None'], ['IPv4'], 'SingleStack'],
  },
  {
    name: 'headless without a selector',
    spec: { clusterIP: 'None' },
    shown: ['None', ['None'], ['IPv4', 'IPv6'], 'RequireDualStack'],
  },
  {
    name: 'ExternalName',
    spec: { type: 'ExternalName', externalName: 'x.test' },
    shown: [undefined, undefined, undefined, undefined],
  },
];

for (const { name, spec: given, shown } of cases) {
  test(`addresses of a Service: ${name}`, async () => {
    await using server = await TestServer.start({ serviceCidrs: V4 });
    assert.equal(outcome(await post(server, 's', given)), '201');
    const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = await spec(server, 's');
    assert.deepEqual([clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy], shown);
  });
}

const refusals = [
  {
    name: 'an address that is taken',
    spec: { clusterIP: '10.96.0.10' },
    answer:
      'spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
  },
  {
    name: 'an address of another network',
    spec: { clusterIP: '10.97.0.1' },
    answer:
      'spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
  },
  {
    name: 'an address that is none',
    spec: { clusterIP: 'x' },
    answer: 'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  },
  {
    name: 'a family that the cluster does not have',
    spec: { ipFamilies: ['IPv6'] },
    answer: 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  },
  {
    name: 'an address of a family that the cluster does not have',
    spec: { clusterIP: 'fd00::1' },
    answer: 'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
  },
  {
    name: 'two families on a cluster of one',
    spec: { ipFamilyPolicy: 'RequireDualStack' },
    answer:
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
  },
  {
    name: 'a node port that is taken',
    spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] },
    answer: 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
  },
  {
    name: 'a node port out of range',
    spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 29_999 }] },
    answer:
      'spec.ports[0].nodePort: Invalid value: 29999: provided port is not in the valid range. The range of valid ports is 30000-32767',
  },
];

test('Services that cannot have what they ask for take nothing', async (t) => {
  await using server = await TestServer.start({ serviceCidrs: V4 });
  await post(server, 'taken', { clusterIP: '10.96.0.10', type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
  for (const { name, spec: given, answer } of refusals) {
    await t.test(name, async () => {
      assert.equal(outcome(await post(server, 's', given)), `422 Invalid: Service "s" is invalid: ${answer}`);
    });
  }
  // 13 addresses are left, and every one of them can be had.
  for (let i = 0; i < 13; i++) assert.equal(outcome(await post(server, `s${i}`, {})), '201');
  assert.equal(
    outcome(await post(server, 'full', {})),
    '500 InternalError: Internal error occurred: failed to allocate a serviceIP: range is full',
  );
  await server.delete(`${SERVICES}/s3`);
  assert.equal(outcome(await post(server, 'again', {})), '201');
});

test('a dry run takes nothing', async () => {
  await using server = await TestServer.start({ serviceCidrs: V4 });
  for (let i = 0; i < 20; i++) {
    const answer = bodyOf<Service>(
      await server.post(`${SERVICES}?dryRun=All`, { metadata: { name: 's' }, spec: { ports: PORTS } }),
    );
    assert.equal(answer.spec.clusterIP, '10.96.0.0');
  }
  for (let i = 0; i < 14; i++) assert.equal(outcome(await post(server, `s${i}`, {})), '201');
});

test('two families: both addresses, and the second can go', async () => {
  await using server = await TestServer.start({ serviceCidrs: DUAL });
  await post(server, 's', { ipFamilyPolicy: 'PreferDualStack', clusterIP: '10.96.0.9' });
  const both = await spec(server, 's');
  assert.deepEqual(both.ipFamilies, ['IPv4', 'IPv6']);
  assert.match(both.clusterIPs?.join(' ') ?? '', /^10\.96\.0\.9 fd00::[0-9a-f]+$/);
  const refused = await server.patch(`${SERVICES}/s`, 'merge', { spec: { clusterIPs: ['10.96.0.9'] } });
  assert.match(outcome(refused), /must be 'SingleStack' to release the secondary cluster IP/);
  assert.equal(
    outcome(await server.patch(`${SERVICES}/s`, 'merge', { spec: { ipFamilyPolicy: 'SingleStack' } })),
    '200',
  );
  const one = await spec(server, 's');
  assert.deepEqual([one.clusterIPs, one.ipFamilies], [['10.96.0.9'], ['IPv4']]);
  assert.equal(
    outcome(await post(server, 't', { clusterIPs: [both.clusterIPs?.[1]], clusterIP: both.clusterIPs?.[1] })),
    '201',
  );
});

test('node ports: TCP and UDP of one port share a number, a change of type gives it back', async () => {
  await using server = await TestServer.start();
  const ports = [
    { name: 'tcp', port: 53, protocol: 'TCP' },
    { name: 'udp', port: 53, protocol: 'UDP' },
    { name: 'web', port: 80, nodePort: 30_080 },
  ];
  await post(server, 's', { type: 'NodePort', ports });
  const [tcp, udp, web] = (await spec(server, 's')).ports ?? [];
  assert.equal(tcp?.nodePort, udp?.nodePort);
  assert.equal(web?.nodePort, 30_080);
  await server.patch(`${SERVICES}/s`, 'merge', { spec: { type: 'ClusterIP' } });
  assert.deepEqual(
    (await spec(server, 's')).ports?.map(({ nodePort }) => nodePort),
    [undefined, undefined, undefined],
  );
  const next = await post(server, 't', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
  assert.equal(outcome(next), '201');
});

test('changing to ExternalName frees the address, changing back takes another', async () => {
  await using server = await TestServer.start({ serviceCidrs: V4 });
  await post(server, 's', { clusterIP: '10.96.0.9' });
  const external = { spec: { type: 'ExternalName', externalName: 'x.test' } };
  assert.equal(outcome(await server.patch(`${SERVICES}/s`, 'merge', external)), '200');
  assert.equal((await spec(server, 's')).clusterIP, undefined);
  assert.equal(outcome(await post(server, 't', { clusterIP: '10.96.0.9' })), '201');
  const back = { spec: { type: 'ClusterIP', externalName: null } };
  assert.equal(outcome(await server.patch(`${SERVICES}/s`, 'merge', back)), '200');
  assert.match((await spec(server, 's')).clusterIP ?? '', /^10\.96\.0\./);
});

test('a LoadBalancer with the policy Local gets a health check port', async () => {
  await using server = await TestServer.start();
  await post(server, 's', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_100 });
  assert.equal((await spec(server, 's')).healthCheckNodePort, 30_100);
  assert.equal(
    outcome(
      await post(server, 't', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_100 }),
    ),
    '500 InternalError: Internal error occurred: failed to allocate requested HealthCheck NodePort 30100: provided port is already allocated',
  );
});

test('where nobody chooses an address, only the cluster does', async () => {
  await using server = await TestServer.start({ serviceCidrs: V4, staticClusterIps: 'deny' });
  await server.post('/api/v1/namespaces', { metadata: { name: 'kube-system' } });
  const denied =
    '422 Invalid: Service "s" is invalid: spec.clusterIPs: Forbidden: this cluster lets nobody choose an address';
  assert.equal(outcome(await post(server, 's', { clusterIP: '10.96.0.9' })), denied);
  assert.equal(outcome(await post(server, 's', { type: 'ExternalName', externalName: 'x.test' })), '201');
  const chosen = { spec: { type: 'ClusterIP', externalName: null, clusterIP: '10.96.0.9' } };
  assert.equal(outcome(await server.patch(`${SERVICES}/s`, 'merge', chosen)), denied);
  // Before any that the server chooses, which could be one of these.
  const dns = { metadata: { name: 'kube-dns' }, spec: { clusterIP: '10.96.0.10', ports: PORTS } };
  assert.equal(outcome(await server.post('/api/v1/namespaces/kube-system/services', dns)), '201');
  assert.equal(outcome(await post(server, 'kubernetes', { clusterIP: '10.96.0.1' })), '201');
  assert.equal(outcome(await post(server, 'any', {})), '201');
  assert.equal(outcome(await post(server, 'none', { clusterIP: 'None' })), '201');
  const { clusterIP } = await spec(server, 'any');
  // What a Service has it may send back.
  const same = { metadata: { name: 'any' }, spec: { clusterIP, ports: [{ port: 81 }] } };
  assert.equal(outcome(await server.put(`${SERVICES}/any`, same)), '200');
});

test('the Endpoints of a Service go with it', async () => {
  await using server = await TestServer.start();
  await post(server, 's', {});
  const path = '/api/v1/namespaces/default/endpoints';
  await server.post(path, { metadata: { name: 's' }, subsets: [{ addresses: [{ ip: '192.0.2.1' }] }] });
  await server.delete(`${SERVICES}/s`);
  assert.match(outcome(await server.get(`${path}/s`)), /^404/);
});

test('the primary address does not change', async () => {
  await using server = await TestServer.start();
  await post(server, 's', { clusterIP: '10.96.0.9' });
  assert.equal(
    outcome(
      await server.patch(`${SERVICES}/s`, 'merge', { spec: { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] } }),
    ),
    '422 Invalid: Service "s" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set',
  );
  assert.equal(outcome(await post(server, 't', { clusterIP: '10.96.0.8' })), '201');
});

test('a new server takes what the stored Services hold', async () => {
  const store = new MemoryStore();
  const first = await TestServer.start({ store, serviceCidrs: V4 });
  await post(first, 's', { clusterIP: '10.96.0.9', type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
  await first[Symbol.asyncDispose]();
  await using second = TestServer.bare({ store, serviceCidrs: V4 });
  assert.equal((await spec(second, 's')).clusterIP, '10.96.0.9');
  assert.match(outcome(await post(second, 't', { clusterIP: '10.96.0.9' })), /provided IP is already allocated$/);
  const ports = [{ port: 80, nodePort: 30_080 }];
  assert.match(outcome(await post(second, 't', { type: 'NodePort', ports })), /provided port is already allocated$/);
});

test('a Service of one family that is made headless and would have two is refused, where kube-apiserver ends', async () => {
  await using server = await TestServer.start({ serviceCidrs: V4 });
  await post(server, 's', { clusterIP: '10.96.0.9', ipFamilyPolicy: 'PreferDualStack' });
  const answer = await server.patch(`${SERVICES}/s`, 'merge', { spec: { clusterIP: 'None' } });
  assert.match(outcome(answer), /^422 .*spec\.clusterIPs\[0\]: Invalid value: \["None"\]: may not change once set/);
});
