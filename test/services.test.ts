/**
 * What Kubernetes' own network tests ask of Services (test/e2e/network/service.go), on a cluster of ours with real packets:
 * types and their changes, ports, affinity, endpoints by hand, addresses given back, labels, variables, ranges.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { applyAll, askFrom, echoPod, serviceOf } from './testing/echo.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const app = { app: 'echo' };
const NODES = ['172.18.0.2', '172.18.0.3'];
const rootless = modes().find(({ mode }) => mode === 'rootless');

test('Services of every type', { skip: rootless?.skip ?? 'rootless only', timeout: 300_000 }, async (t) => {
  await using cluster = await TestCluster.start({ mode: 'rootless', nodes: 2 });
  const patch = (name: string, body: object): Promise<string> =>
    cluster.kubectl('patch', 'service', name, '--type=merge', '-p', JSON.stringify(body));
  const field = (name: string, path: string): Promise<string> => cluster.jsonpath(`{${path}}`, 'service', name);
  const ask = (...questions: readonly string[]): Promise<readonly string[]> => askFrom(cluster, 'client', questions);
  const from = (...names: readonly string[]): RegExp => new RegExp(`^(${names.join('|')}) `);
  const answers = (what: string, questions: readonly string[], expected: readonly (RegExp | string)[]): Promise<void> =>
    eventually(
      what,
      expected.map(() => true),
      async () => {
        const got = await ask(...questions);
        return got.map((text, i) => {
          const wanted = expected[i] ?? '';
          return typeof wanted === 'string' ? text === wanted : wanted.test(text) || (text as unknown as true);
        });
      },
    );

  await applyAll(
    cluster,
    // Before the Pods, whose environment has them.
    serviceOf('web', { selector: app, ports: [{ port: 80 }] }),
    serviceOf('api-svc', {
      selector: app,
      ports: [
        { name: 'http', port: 8080, targetPort: 80 },
        { name: 'alt', port: 81, targetPort: 'alternative' },
        { name: 'dns', port: 8080, targetPort: 80, protocol: 'UDP' },
      ],
    }),
  );
  await applyAll(
    cluster,
    echoPod({
      name: 'one',
      labels: app,
      nodeName: 'node-1',
      serves: ['tcp/80', 'udp/80', 'tcp/81'],
      ports: [{ name: 'alternative', containerPort: 81 }],
    }),
    // The same name is another number here.
    echoPod({
      name: 'two',
      labels: app,
      nodeName: 'node-2',
      serves: ['tcp/80', 'udp/80', 'tcp/82'],
      ports: [{ name: 'alternative', containerPort: 82 }],
    }),
    echoPod({ name: 'client', nodeName: 'node-1', serves: ['tcp/7'] }),
    echoPod({ name: 'host-client', nodeName: 'node-1', hostNetwork: true, serves: ['tcp/7'] }),
  );
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s');

  await t.test('serve multiport endpoints from pods, by name, of both protocols on one port', async () => {
    const names = new Set<string>();
    for (let tries = 0; tries < 10 && names.size < 2; tries++) {
      for (const line of await ask('tcp api-svc 81', 'tcp api-svc 81', 'tcp api-svc 81'))
        names.add(line.split(' ')[0] ?? '');
    }
    assert.deepEqual([...names].sort(), ['one', 'two']);
    await answers(
      'each of its ports',
      ['tcp api-svc 8080', 'udp api-svc 8080', 'tcp api-svc.default 81', 'tcp api-svc 82', 'udp api-svc 81'],
      [from('one', 'two'), from('one', 'two'), from('one', 'two'), 'refused', 'refused'],
    );
  });

  await t.test('be updated after adding or deleting ports; a protocol that is removed is closed', async () => {
    const ports = [
      { name: 'http', port: 8080, targetPort: 80 },
      { name: 'more', port: 90, targetPort: 80 },
    ];
    await patch('api-svc', { spec: { ports } });
    await answers(
      'the ports as they are now',
      ['tcp api-svc 8080', 'udp api-svc 8080', 'tcp api-svc 90', 'tcp api-svc 81'],
      [from('one', 'two'), 'refused', from('one', 'two'), 'refused'],
    );
  });

  await t.test('service variables of the Services that were there, in the order of their creation', async () => {
    const env = await cluster.kubectl('exec', 'one', '--', 'env');
    const names = env
      .split('\n')
      .filter((line) => /^(KUBERNETES|WEB|API_SVC)_/.test(line))
      .map((line) => line.split('=')[0] ?? '');
    const own = (name: string, protocol: string, port: number): string[] =>
      ['', '_PROTO', '_PORT', '_ADDR'].map((end) => `${name}_PORT_${port}_${protocol}${end}`);
    assert.deepEqual(
      [...names].sort(),
      [
        'KUBERNETES_SERVICE_HOST',
        'KUBERNETES_SERVICE_PORT',
        'KUBERNETES_SERVICE_PORT_HTTPS',
        'KUBERNETES_PORT',
        ...own('KUBERNETES', 'TCP', 443),
        'WEB_SERVICE_HOST',
        'WEB_SERVICE_PORT',
        'WEB_PORT',
        ...own('WEB', 'TCP', 80),
        'API_SVC_SERVICE_HOST',
        'API_SVC_SERVICE_PORT',
        'API_SVC_SERVICE_PORT_HTTP',
        'API_SVC_SERVICE_PORT_ALT',
        'API_SVC_SERVICE_PORT_DNS',
        'API_SVC_PORT',
        ...own('API_SVC', 'TCP', 8080),
        ...own('API_SVC', 'TCP', 81),
        ...own('API_SVC', 'UDP', 8080),
      ].sort(),
    );
    assert.ok(env.includes(`WEB_PORT=tcp://${await field('web', '.spec.clusterIP')}:80\n`));
  });

  await t.test('change the type from ExternalName to ClusterIP to NodePort and back', async () => {
    const web = await field('web', '.spec.clusterIP');
    const target = 'web.default.svc.cluster.local';
    await applyAll(cluster, serviceOf('moving', { type: 'ExternalName', externalName: target }));
    await answers('the name is an alias', ['name moving 4'], [web]);
    await patch('moving', { spec: { type: 'ClusterIP', externalName: null, selector: app, ports: [{ port: 80 }] } });
    const first = await field('moving', '.spec.clusterIP');
    await answers('the name is its own address', ['name moving 4', 'tcp moving 80'], [first, from('one', 'two')]);
    await patch('moving', { spec: { type: 'NodePort' } });
    const nodePort = Number(await field('moving', '.spec.ports[0].nodePort'));
    const everywhere = [`tcp ${NODES[0]} ${nodePort}`, `tcp ${NODES[1]} ${nodePort}`, `tcp ${first} 80`];
    await answers('on every node', everywhere, [from('one', 'two'), from('one', 'two'), from('one', 'two')]);
    await patch('moving', { spec: { type: 'ExternalName', externalName: target, ports: null, selector: null } });
    assert.equal(await field('moving', '.spec.clusterIP'), '');
    await answers('an alias again, and closed', ['name moving 4', `tcp ${NODES[1]} ${nodePort}`], [web, 'refused']);
    const spec = { type: 'NodePort', clusterIP: first, selector: app, ports: [{ port: 80, nodePort }] };
    await applyAll(cluster, serviceOf('heir', spec));
    await answers('somebody else may have both', everywhere, [
      from('one', 'two'),
      from('one', 'two'),
      from('one', 'two'),
    ]);
    await cluster.kubectl('delete', 'service', 'heir', 'moving');
    await answers(
      'the address and the port are gone',
      [`tcp ${first} 80 1`, everywhere[0] ?? ''],
      ['timeout', 'refused'],
    );
  });

  await t.test('prevent NodePort collisions, check ranges, release on delete', async () => {
    const spec = (nodePort: number): object => ({ type: 'NodePort', selector: app, ports: [{ port: 80, nodePort }] });
    const create = async (name: string, nodePort: number): Promise<string> => {
      const done = await cluster.try(['create', '-f', '-'], JSON.stringify(serviceOf(name, spec(nodePort))));
      return (done.stderr || done.stdout).trim();
    };
    assert.equal(await create('np-1', 30_099), 'service/np-1 created');
    assert.equal(
      await create('np-2', 30_099),
      'The Service "np-2" is invalid: spec.ports[0].nodePort: Invalid value: 30099: provided port is already allocated',
    );
    assert.equal(
      await create('np-2', 40_000),
      'The Service "np-2" is invalid: spec.ports[0].nodePort: Invalid value: 40000: provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
    await cluster.kubectl('delete', 'service', 'np-1');
    assert.equal(await create('np-2', 30_099), 'service/np-2 created');
    const both = [
      { name: 'tcp', port: 80, nodePort: 30_099 },
      { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_099 },
    ];
    await patch('np-2', { spec: { ports: both } });
    await answers(
      'one number for TCP and UDP',
      [`tcp ${NODES[1]} 30099`, `udp ${NODES[1]} 30099`],
      [from('one', 'two'), from('one', 'two')],
    );
    await cluster.kubectl('delete', 'service', 'np-2');
  });

  await t.test('switch session affinity, for a ClusterIP and a NodePort', async () => {
    await applyAll(
      cluster,
      serviceOf('sticky', { type: 'NodePort', sessionAffinity: 'ClientIP', selector: app, ports: [{ port: 80 }] }),
    );
    const address = await field('sticky', '.spec.clusterIP');
    const nodePort = await field('sticky', '.spec.ports[0].nodePort');
    const both = [`tcp ${address} 80`, `tcp ${NODES[1]} ${nodePort}`];
    await answers('it answers', both, [from('one', 'two'), from('one', 'two')]);
    const who = async (question: string): Promise<number> => {
      const lines = await ask(...Array.from({ length: 24 }, () => question));
      return new Set(lines.map((line) => line.split(' ')[0])).size;
    };
    for (const question of both) assert.equal(await who(question), 1, question);
    await patch('sticky', { spec: { sessionAffinity: 'None' } });
    for (const question of both) await eventually('both Pods', 2, () => who(question));
    await patch('sticky', { spec: { sessionAffinity: 'ClientIP' } });
    for (const question of both) await eventually('one Pod', 1, () => who(question));
    await patch('sticky', { spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } } });
    await eventually('the other one, a second after the last question', true, async () => {
      const first = await ask(both[0] ?? '');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return (await ask(both[0] ?? ''))[0] !== first[0];
    });
  });

  await t.test('be rejected when no endpoints exist, and for Pods that have ended', async () => {
    await applyAll(cluster, serviceOf('empty', { selector: { app: 'ended' }, ports: [{ port: 80 }] }), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'ended', labels: { app: 'ended' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'host', command: ['true'] }] },
    });
    await cluster.kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/ended', '--timeout=60s');
    await answers('nobody is there', ['tcp empty 80', 'udp empty 80'], ['refused', 'refused']);
    assert.deepEqual(await askFrom(cluster, 'host-client', ['tcp empty 80']), ['refused'], 'from a node');
  });

  await t.test('implement the labels for other proxies and for headless', async () => {
    const name = 'service.kubernetes.io/service-proxy-name';
    const address = await field('web', '.spec.clusterIP');
    await cluster.kubectl('label', 'service', 'web', `${name}=other`);
    await answers('ours leaves it alone', [`tcp ${address} 80 1`], ['timeout']);
    await cluster.kubectl('label', 'service', 'web', `${name}-`);
    await answers('it is ours again', ['tcp web 80'], [from('one', 'two')]);
    await cluster.kubectl('label', 'service', 'web', 'service.kubernetes.io/headless=');
    await answers('nor one that is headless for proxies', [`tcp ${address} 80 1`], ['timeout']);
    await cluster.kubectl('label', 'service', 'web', 'service.kubernetes.io/headless-');
    await answers('it is ours again', ['tcp web 80'], [from('one', 'two')]);
  });

  await t.test('headless Services name Pods, and hostnames', async () => {
    const ips = await cluster.jsonpath('{.items[*].status.podIP}', 'pod', '-l', 'app=echo');
    await applyAll(cluster, serviceOf('bare', { clusterIP: 'None', selector: app, ports: [{ port: 80 }] }));
    await answers('all of them', ['name bare 4'], [ips.split(' ').sort().join(' ')]);
    const label = await cluster.jsonpath(
      '{.items[0].metadata.labels.service\\.kubernetes\\.io/headless}|{.items[0].endpoints[*].nodeName}',
      'endpointslice',
      '-l',
      'kubernetes.io/service-name=bare',
    );
    assert.match(label, /^\|node-[12] node-[12]$/);
  });

  await t.test('endpoints by hand: Endpoints that are mirrored, and EndpointSlices', async () => {
    const ip = await cluster.jsonpath('{.status.podIP}', 'pod', 'one');
    const kind = { apiVersion: 'v1', kind: 'Endpoints' };
    await applyAll(
      cluster,
      serviceOf('by-hand', { ports: [{ port: 80, targetPort: 9 }] }),
      { ...kind, metadata: { name: 'by-hand' }, subsets: [{ addresses: [{ ip }], ports: [{ port: 81 }] }] },
      serviceOf('by-slice', { ports: [{ name: 'p', port: 80 }] }),
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'by-slice-1', labels: { 'kubernetes.io/service-name': 'by-slice' } },
        addressType: 'IPv4',
        ports: [{ name: 'p', port: 81, protocol: 'TCP' }],
        endpoints: [{ addresses: [ip] }],
      },
    );
    await answers('both lead to the Pod', ['tcp by-hand 80', 'tcp by-slice 80'], [from('one'), from('one')]);
    const other = await cluster.jsonpath('{.status.podIP}', 'pod', 'two');
    const slice = (name: string, address: string, port: number, portName: string): object => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': 'by-slices' } },
      addressType: 'IPv4',
      ports: [{ name: portName, port, protocol: 'TCP' }],
      endpoints: [{ addresses: [address] }],
    });
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ];
    await applyAll(
      cluster,
      serviceOf('by-slices', { ports }),
      slice('by-slices-1', ip, 80, 'a'),
      slice('by-slices-2', other, 82, 'b'),
    );
    await answers(
      'several ports in several slices',
      ['tcp by-slices 80', 'tcp by-slices 81'],
      [from('one'), from('two')],
    );
    await applyAll(cluster, slice('by-slices-2', other, 80, 'a'));
    await answers('several endpoints in several slices', ['tcp by-slices 81'], ['refused']);
    const seen = new Set<string>();
    for (let tries = 0; tries < 10 && seen.size < 2; tries++) {
      for (const line of await ask(...Array.from({ length: 8 }, () => 'tcp by-slices 80'))) {
        seen.add(line.split(' ')[0] ?? '');
      }
    }
    assert.deepEqual([...seen].sort(), ['one', 'two']);
    await cluster.kubectl('delete', 'endpoints', 'by-hand');
    await answers('its mirror is gone', ['tcp by-hand 80'], ['refused']);
  });

  await t.test('externalIPs that no node has', async () => {
    await applyAll(
      cluster,
      serviceOf('external', { selector: app, externalIPs: ['203.0.113.250'], ports: [{ port: 80 }] }),
    );
    await answers('from a Pod', ['tcp 203.0.113.250 80'], [from('one', 'two')]);
    await cluster.kubectl('delete', 'service', 'external');
  });

  await t.test('status lifecycle: conditions are patched and replaced, the spec is not touched', async () => {
    const condition = {
      type: 'A/b',
      status: 'True',
      reason: 'R',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const status = { metadata: { annotations: { patched: 'true' } }, status: { conditions: [condition] } };
    await cluster.kubectl(
      'patch',
      'service',
      'web',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify(status),
    );
    const path = '{.metadata.annotations.patched} {.status.conditions[*].type} {.spec.selector.app}';
    assert.equal(await cluster.jsonpath(path, 'service', 'web'), 'true A/b echo');
    const raw = JSON.parse(await cluster.kubectl('get', 'service', 'web', '--subresource=status', '-o', 'json')) as {
      status: { conditions: { type: string }[] };
      spec: { selector: object };
    };
    raw.status.conditions = [{ ...condition, type: 'C' }];
    raw.spec.selector = { app: 'nobody' };
    const replaced = await cluster.try(['replace', '--subresource=status', '-f', '-'], JSON.stringify(raw));
    assert.equal(replaced.code, 0, replaced.stderr);
    assert.equal(await cluster.jsonpath(path, 'service', 'web'), 'true C echo');
    await patch('web', { status: { conditions: null } });
    assert.equal(await cluster.jsonpath(path, 'service', 'web'), 'true C echo');
  });

  await t.test('a Service that is made anew has the same address when it asks for it', async () => {
    const address = await field('web', '.spec.clusterIP');
    await cluster.kubectl('delete', 'service', 'web');
    await applyAll(cluster, serviceOf('web', { clusterIP: address, selector: app, ports: [{ port: 80 }] }));
    await answers('it answers', ['tcp web 80', `tcp ${address} 80`], [from('one', 'two'), from('one', 'two')]);
  });

  await t.test('create Services and serve on different Service CIDRs', async () => {
    await applyAll(cluster, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'more' },
      spec: { cidrs: ['198.51.100.0/24'] },
    });
    await cluster.kubectl('wait', '--for=condition=Ready', 'servicecidr/more', '--timeout=30s');
    const spec = { type: 'NodePort', clusterIP: '198.51.100.7', selector: app, ports: [{ port: 80 }] };
    await applyAll(cluster, serviceOf('far', spec));
    const nodePort = await field('far', '.spec.ports[0].nodePort');
    await answers(
      'by address, name and NodePort',
      ['tcp 198.51.100.7 80', 'tcp far 80', `tcp ${NODES[0]} ${nodePort}`, 'tcp 198.51.100.7 81'],
      [from('one', 'two'), from('one', 'two'), from('one', 'two'), 'refused'],
    );
    const onNode = await askFrom(cluster, 'host-client', ['tcp 198.51.100.7 80', 'tcp 198.51.100.7 81']);
    assert.match(onNode.join(), /^(one|two) [^,]*,refused$/, 'from a node');
    const refused = await cluster.try(['delete', 'servicecidr', 'more', '--wait=false']);
    assert.equal(refused.code, 0, refused.stderr);
    await answers('it goes on to serve', ['tcp far 80'], [from('one', 'two')]);
    const condition = '{.status.conditions[0].status} {.status.conditions[0].reason} {.metadata.finalizers[0]}';
    const inUse = 'False Terminating networking.k8s.io/service-cidr-finalizer';
    await eventually('its range waits for it', inUse, () => cluster.jsonpath(condition, 'servicecidr', 'more'));
    await cluster.kubectl('delete', 'service', 'far');
    await cluster.kubectl('wait', '--for=delete', 'servicecidr/more', '--timeout=60s');
  });

  await t.test('delete a collection of Services; of all, the API server’s own comes back', async () => {
    for (const name of ['c-1', 'c-2', 'c-3']) {
      const labels = { set: name === 'c-3' ? 'b' : 'a' };
      await applyAll(cluster, serviceOf(name, { ports: [{ port: 80 }] }, { labels }));
    }
    await cluster.kubectl('delete', 'service', '-l', 'set=a');
    assert.equal(await cluster.jsonpath('{.items[*].metadata.name}', 'service', '-A', '-l', 'set'), 'c-3');
    await cluster.kubectl('delete', 'service,endpointslice', '--all');
    await cluster.kubectl('wait', '--for=create', 'service/kubernetes', 'endpointslice/kubernetes', '--timeout=30s');
    const curl = 'curl -sk -o /dev/null -w %{http_code} --retry 9 --retry-all-errors https://10.96.0.1/healthz';
    assert.equal(await cluster.kubectl('exec', 'client', '--', ...curl.split(' ')), '200');
  });
});
