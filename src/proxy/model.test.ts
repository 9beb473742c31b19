import assert from 'node:assert/strict';
import test from 'node:test';
import type { EndpointSlice } from '#api/generated/types.ts';
import { createLog } from '#base/log.ts';
import type { FrontendChange } from './frontend.ts';
import { Model } from './model.ts';
import { service, slice } from './testing/objects.ts';

function describe(changes: readonly FrontendChange[]): string[] {
  return changes
    .map(({ id, frontend }) => {
      if (frontend === undefined) return `${id} gone`;
      const backends = frontend.backends.map(
        ({ address, port, isLocal }) => ` ${address}:${port}${isLocal ? ' local' : ''}`,
      );
      return `${id} ${frontend.service} ->${backends.join(',')}`;
    })
    .sort();
}

function create(): { readonly model: Model; readonly logged: string[] } {
  const logged: string[] = [];
  const log = createLog('proxy', ({ message, fields }) => logged.push(`${message} ${JSON.stringify(fields)}`));
  return { model: new Model({ nodeName: 'a', families: [4, 6], log }), logged };
}

test('named ports are joined with the slices by name, and their numbers may differ', () => {
  const { model } = create();
  const ports = [
    { name: 'http', port: 80 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ] as const;
  model.setService(service('web', '10.96.0.50', ports));
  model.setSlice(
    slice(
      'web',
      ['10.244.0.5'],
      [
        { name: 'http', port: 8080 },
        { name: 'dns', port: 5353, protocol: 'UDP' },
      ],
    ),
  );
  model.setSlice(slice('web', ['10.244.1.6 node=b'], [{ name: 'http', port: 9090 }], { name: 'web-2' }));
  assert.deepEqual(describe(model.takeChanges()), [
    '10.96.0.50/tcp/80 default/web:http -> 10.244.0.5:8080 local, 10.244.1.6:9090',
    '10.96.0.50/udp/53 default/web:dns -> 10.244.0.5:5353 local',
  ]);
  assert.deepEqual(model.takeChanges(), []);
});

test('slices may come first and stay longer', () => {
  const { model } = create();
  const web = service('web', '10.96.0.50', [{ port: 80 }]);
  model.setSlice(slice('web', ['10.244.0.5'], [{ port: 8080 }]));
  assert.deepEqual(describe(model.takeChanges()), []);
  model.setService(web);
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/80 default/web -> 10.244.0.5:8080 local']);
  model.deleteService('default/web');
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/80 gone']);
  model.setService(web);
  model.deleteSlice('default/web-1');
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/80 default/web ->']);
});

test('a Service that changes its ports or its address leaves nothing behind', () => {
  const { model } = create();
  model.setService(service('web', '10.96.0.50', [{ port: 80 }, { name: 'tls', port: 443 }]));
  model.takeChanges();
  model.setService(service('web', '10.96.0.50', [{ port: 81 }]));
  assert.deepEqual(describe(model.takeChanges()), [
    '10.96.0.50/tcp/443 gone',
    '10.96.0.50/tcp/80 gone',
    '10.96.0.50/tcp/81 default/web ->',
  ]);
  model.setService(service('web', '', [], { spec: { type: 'ExternalName', clusterIPs: [] } }));
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/81 gone']);
});

const ignored = [
  ['headless', service('web', 'None', [{ port: 80 }])],
  ['ExternalName', service('web', '', [{ port: 80 }], { spec: { type: 'ExternalName' } })],
  [
    'of another proxy',
    service('web', '10.96.0.5', [{ port: 80 }], { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } }),
  ],
  [
    'labelled headless',
    service('web', '10.96.0.5', [{ port: 80 }], { labels: { 'service.kubernetes.io/headless': '' } }),
  ],
  ['without a readable address', service('web', '10.96.0', [{ port: 80 }])],
] as const;
for (const [name, object] of ignored) {
  test(`a Service ${name} has no frontend`, () => {
    const { model } = create();
    model.setService(object);
    assert.deepEqual(describe(model.takeChanges()), []);
  });
}

test('a dual-stack Service has a frontend a family, each with the backends of its family', () => {
  const { model } = create();
  model.setService(
    service('web', '10.96.0.50', [{ port: 80 }], { spec: { clusterIPs: ['10.96.0.50', 'FD00:0::50'] } }),
  );
  model.setSlice(slice('web', ['10.244.0.5'], [{ port: 8080 }]));
  model.setSlice(slice('web', ['fd00::5', '10.0.0.1'], [{ port: 8080 }], { name: 'web-6', addressType: 'IPv6' }));
  assert.deepEqual(describe(model.takeChanges()), [
    '10.96.0.50/tcp/80 default/web -> 10.244.0.5:8080 local',
    'fd00::50/tcp/80 default/web -> fd00::5:8080 local',
  ]);
});

test('an endpoint that two slices hold counts once, as the more usable of the two', () => {
  const { model } = create();
  model.setService(service('web', '10.96.0.50', [{ port: 80 }]));
  model.setSlice(slice('web', ['10.244.0.5 notready', '10.244.0.6'], [{ port: 8080 }]));
  model.setSlice(slice('web', ['10.244.0.5', '10.244.0.6 terminating'], [{ port: 8080 }], { name: 'web-2' }));
  assert.deepEqual(describe(model.takeChanges()), [
    '10.96.0.50/tcp/80 default/web -> 10.244.0.5:8080 local, 10.244.0.6:8080 local',
  ]);
});

test('zeros in front of numbers mean nothing, octal least of all', () => {
  const { model } = create();
  model.setService(service('web', '010.096.0.05', [{ port: 80 }]));
  model.setSlice(slice('web', ['10.244.0.011'], [{ port: 8080 }]));
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.5/tcp/80 default/web -> 10.244.0.11:8080 local']);
});

test('bad endpoints are left out, the rest is used', () => {
  const { model, logged } = create();
  model.setService(service('web', '10.96.0.50', [{ port: 80 }, { name: 'bad', port: 70_000 }]));
  model.setSlice(slice('web', ['300.1.1.1', 'fd00::1', '10.244.0.6'], [{ port: 8080 }]));
  model.setSlice(slice('web', ['10.244.0.7'], [{ port: 0 }], { name: 'web-2' }));
  model.setSlice(slice('web', ['web.example'], [{ port: 80 }], { name: 'web-3', addressType: 'FQDN' }));
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/80 default/web -> 10.244.0.6:8080 local']);
  const text = 'object cannot be used whole';
  assert.deepEqual(logged, [
    `${text} {"kind":"Service","name":"default/web","because":"port 70000"}`,
    `${text} {"kind":"EndpointSlice","name":"default/web-1","because":"address \\"300.1.1.1\\", address \\"fd00::1\\""}`,
    `${text} {"kind":"EndpointSlice","name":"default/web-2","because":"port 0"}`,
  ]);
});

test('of two Services that state one address the first has it until it lets go', () => {
  const { model, logged } = create();
  model.setService(service('one', '10.96.0.50', [{ port: 80 }]));
  model.setService(service('two', '10.96.0.50', [{ port: 80 }, { name: 'tls', port: 443 }]));
  assert.deepEqual(describe(model.takeChanges()), [
    '10.96.0.50/tcp/443 default/two:tls ->',
    '10.96.0.50/tcp/80 default/one ->',
  ]);
  model.setService(service('two', '10.96.0.50', [{ port: 80 }]));
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/443 gone']);
  model.deleteService('default/one');
  assert.deepEqual(describe(model.takeChanges()), ['10.96.0.50/tcp/80 default/two ->']);
  assert.deepEqual(logged, [
    'two services state one address {"frontend":"10.96.0.50/tcp/80","service":"default/two","owner":"default/one"}',
  ]);
});

test('markAll() makes every frontend a change again', () => {
  const { model } = create();
  model.setService(service('one', '10.96.0.50', [{ port: 80 }]));
  model.setService(service('two', '10.96.0.51', [{ port: 80 }]));
  const first = describe(model.takeChanges());
  model.markAll();
  assert.deepEqual(describe(model.takeChanges()), first);
});

test('hints: endpoints of the same zone, or node, where all have hints; another zone is another choice', () => {
  const { model } = create();
  const hinted = (zones: readonly string[], nodes: readonly string[] = []): EndpointSlice => ({
    ...slice('web', [], [{ port: 8080 }]),
    endpoints: zones.map((zone, i) => ({
      addresses: [`10.244.${i}.5`],
      nodeName: `node-${i}`,
      conditions: { ready: true },
      hints: {
        ...(zone === '' ? {} : { forZones: [{ name: zone }] }),
        ...(nodes[i] === undefined ? {} : { forNodes: [{ name: nodes[i] }] }),
      },
    })),
  });
  const spec = { trafficDistribution: 'PreferSameZone' };
  model.setService(service('web', '10.96.0.50', [{ port: 80 }], { spec }));
  const backends = (): string => describe(model.takeChanges()).join().replace(/^.*->/, '');
  model.setSlice(hinted(['z1', 'z2', 'z2']));
  assert.equal(backends(), ' 10.244.0.5:8080, 10.244.1.5:8080, 10.244.2.5:8080');
  model.setZone('z2');
  assert.equal(backends(), ' 10.244.1.5:8080, 10.244.2.5:8080');
  model.setZone('z3');
  assert.equal(backends(), ' 10.244.0.5:8080, 10.244.1.5:8080, 10.244.2.5:8080');
  model.setZone('z1');
  model.setSlice(hinted(['z1', 'z2', '']));
  assert.equal(backends(), ' 10.244.0.5:8080, 10.244.1.5:8080, 10.244.2.5:8080');
  model.setSlice(hinted(['z1', 'z1', 'z2'], ['b', 'a', 'c']));
  assert.equal(backends(), ' 10.244.1.5:8080');
});

test('a Service has a frontend for each of its addresses and ports, as its policies say', () => {
  const { model } = create();
  const spec = { type: 'LoadBalancer', externalIPs: ['198.51.100.1', '0.0.0.0', 'x'], externalTrafficPolicy: 'Local' };
  const ports = [{ port: 80, nodePort: 30_080 }];
  const object = service('web', '10.96.0.50', ports, { spec });
  const ingress = [{ ip: '203.0.113.5' }, { ip: '203.0.113.6', ipMode: 'Proxy' }, { hostname: 'web.example' }];
  model.setService({ ...object, status: { loadBalancer: { ingress } } });
  model.setSlice(slice('web', ['10.244.0.5', '10.244.1.5 node=b'], [{ port: 8080 }]));
  const all = 'default/web -> 10.244.0.5:8080 local, 10.244.1.5:8080';
  const local = 'default/web -> 10.244.0.5:8080 local';
  assert.deepEqual(describe(model.takeChanges()), [
    `0.0.0.0/tcp/30080 ${all}`,
    `0.0.0.0/tcp/30080/local ${local}`,
    `10.96.0.50/tcp/80 ${all}`,
    `198.51.100.1/tcp/80 ${all}`,
    `198.51.100.1/tcp/80/local ${local}`,
    `203.0.113.5/tcp/80 ${all}`,
    `203.0.113.5/tcp/80/local ${local}`,
  ]);
  model.setService(service('web', '10.96.0.50', ports, { spec: { type: 'NodePort' } }));
  assert.deepEqual(
    describe(model.takeChanges()).filter((line) => !line.endsWith('gone')),
    [`0.0.0.0/tcp/30080 ${all}`, `10.96.0.50/tcp/80 ${all}`],
  );
});
