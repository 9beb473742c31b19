import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent } from '#api/generated/types.ts';
import { endpointSlices, nodes, services } from '#api/resource.ts';
import { ManualClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { Informers } from '#client/informers.ts';
import { FakeApi } from '#client/testing/fake-api.ts';
import { settle } from '#client/testing/turns.ts';
import type { FromCarrier, ToCarrier } from './carrier-message.ts';
import { EdgeAgent } from './edge-agent.ts';
import { hostPortKey } from './host-port.ts';

/** An edge whose host refuses what `taken` says, and what it tells the thread that carries. */
class Scene implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly api = new FakeApi(this.clock);
  readonly client: Client = createClient(
    inProcessTransport(this.api.handle, { username: 'test', groups: ['system:masters'] }),
  );
  /** By what would be opened, the code of the refusal. */
  readonly taken = new Map<string, string>();
  readonly #abort = new AbortController();
  readonly edge: EdgeAgent;
  #said: string[] = [];
  #fds = 100;

  constructor() {
    const informers = new Informers(this.client, { clock: this.clock, log: silentLog });
    this.edge = new EdgeAgent({
      client: this.client,
      informers,
      clock: this.clock,
      log: silentLog,
      signal: this.#abort.signal,
      open: (port) => {
        const code = this.taken.get(hostPortKey(port));
        if (code !== undefined) throw Object.assign(new Error(code), { code });
        this.#said.push(hostPortKey(port));
        return this.#fds++;
      },
      post: (message) => this.#said.push(said(message)),
    });
  }

  static async begin(): Promise<Scene> {
    const scene = new Scene();
    for (const [i, name] of ['a', 'b'].entries()) {
      const status = { addresses: [{ type: 'InternalIP', address: `172.18.0.${i + 2}` }] };
      await scene.client.create(nodes, { metadata: { name }, spec: {}, status });
    }
    await scene.edge.start();
    return scene;
  }

  async said(): Promise<readonly string[]> {
    await settle();
    const words = this.#said;
    this.#said = [];
    return words;
  }

  events(): readonly string[] {
    return this.api.all<CoreEvent>('events').map(({ type, reason, count }) => `${type} ${reason} ${count}`);
  }

  fail(id: number, code: string): void {
    const message: Extract<FromCarrier, { kind: 'failed' }> = { kind: 'failed', id, code, message: code };
    this.edge.take(message);
  }

  async create(spec: object, status: object = {}): Promise<void> {
    await this.client.create(services, { metadata: { namespace: 'd', name: 'web' }, spec, status });
  }

  async change(spec: object): Promise<void> {
    await this.client.patch(services, { namespace: 'd', name: 'web' }, { kind: 'merge', body: { spec } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await settle();
  }
}

function said(message: ToCarrier): string {
  const targets = 'targets' in message ? message.targets.map(({ address, port }) => `${address}:${port}`).join() : '';
  if (message.kind === 'open') return `open ${message.id} ${message.protocol}${message.family} ${targets}`;
  if (message.kind === 'aim') return `aim ${message.id} ${targets}`;
  return message.kind === 'close' ? `close ${message.id}` : `route ${message.address} via ${message.via}`;
}

const NODE_PORT = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] };
const BALANCER = { type: 'LoadBalancer', ports: [{ port: 80 }] };
const INGRESS = { loadBalancer: { ingress: [{ ip: '127.77.0.1', ipMode: 'VIP' }] } };

test('a NodePort is open as long as the Service has it', async () => {
  await using scene = await Scene.begin();
  await scene.create(NODE_PORT);
  assert.deepEqual(await scene.said(), ['tcp 127.0.0.1:30080', 'open 1 tcp4 172.18.0.2:30080,172.18.0.3:30080']);
  await scene.change({ ports: [{ port: 81, nodePort: 30_081 }] });
  assert.deepEqual(await scene.said(), [
    'close 1',
    'tcp 127.0.0.1:30081',
    'open 2 tcp4 172.18.0.2:30081,172.18.0.3:30081',
  ]);
  await scene.client.delete(services, { namespace: 'd', name: 'web' });
  assert.deepEqual(await scene.said(), ['close 2']);
  assert.deepEqual(scene.events(), []);
});

test('policy Local follows the endpoints from node to node', async () => {
  await using scene = await Scene.begin();
  await scene.create({ ...BALANCER, externalTrafficPolicy: 'Local' }, INGRESS);
  assert.deepEqual(await scene.said(), ['tcp 127.77.0.1:80', 'open 1 tcp4 ']);
  const ref = { namespace: 'd', name: 'web-1' };
  const labels = { 'kubernetes.io/service-name': 'web' };
  const on = (nodeName: string): object[] => [{ addresses: ['10.0.0.1'], nodeName, conditions: { ready: true } }];
  await scene.client.create(endpointSlices, { metadata: { ...ref, labels }, endpoints: on('b') } as never);
  assert.deepEqual(await scene.said(), ['route 127.77.0.1 via 172.18.0.3', 'aim 1 127.77.0.1:80']);
  await scene.client.patch(endpointSlices, ref, { kind: 'merge', body: { endpoints: on('a') } });
  assert.deepEqual(await scene.said(), ['route 127.77.0.1 via 172.18.0.2', 'aim 1 127.77.0.1:80']);
  await scene.change({ externalTrafficPolicy: 'Cluster' });
  assert.deepEqual(await scene.said(), [], 'the same way all the same');
});

test('a port that another program has is told of once and taken when it is free', async () => {
  await using scene = await Scene.begin();
  scene.taken.set('tcp 127.0.0.1:30080', 'EADDRINUSE');
  await scene.create(NODE_PORT);
  assert.deepEqual(await scene.said(), []);
  await scene.clock.advance(2000);
  await scene.clock.advance(4000);
  assert.deepEqual([await scene.said(), scene.events()], [[], ['Warning HostPortInUse 1']]);
  scene.taken.clear();
  await scene.clock.advance(8000);
  assert.deepEqual(await scene.said(), ['tcp 127.0.0.1:30080', 'open 1 tcp4 172.18.0.2:30080,172.18.0.3:30080']);
  // Two programs may both bind, and only one of them listens.
  scene.fail(1, 'EADDRINUSE');
  await scene.clock.advance(2000);
  assert.deepEqual(await scene.said(), ['tcp 127.0.0.1:30080', 'open 2 tcp4 172.18.0.2:30080,172.18.0.3:30080']);
});

test('when the thread that carries is lost, everything is opened anew', async () => {
  await using scene = await Scene.begin();
  await scene.create(BALANCER, INGRESS);
  await scene.said();
  scene.edge.lost();
  assert.deepEqual(await scene.said(), [
    'route 127.77.0.1 via 172.18.0.2',
    'tcp 127.77.0.1:80',
    'open 2 tcp4 127.77.0.1:80',
  ]);
  await scene.client.delete(services, { namespace: 'd', name: 'web' });
  assert.deepEqual(await scene.said(), ['close 2']);
});

test("a load balancer's port that is root's is open at another one", async () => {
  await using scene = await Scene.begin();
  scene.taken.set('tcp 127.77.0.1:80', 'EACCES');
  await scene.create(BALANCER, INGRESS);
  assert.deepEqual(await scene.said(), [
    'route 127.77.0.1 via 172.18.0.2',
    'tcp 127.77.0.1:8080',
    'open 1 tcp4 127.77.0.1:80',
  ]);
  assert.deepEqual(scene.events(), ['Warning HostPortForbidden 1']);
  await scene.client.delete(services, { namespace: 'd', name: 'web' });
  assert.deepEqual(await scene.said(), ['close 1']);
});

test('a load balancer of IPv6 is open at an address of IPv4, and says so', async () => {
  await using scene = await Scene.begin();
  const addresses = [{ type: 'InternalIP', address: 'fd00:172:18::2' }];
  await scene.client.create(nodes, { metadata: { name: 'c' }, spec: {}, status: { addresses } });
  await scene.create(BALANCER, { loadBalancer: { ingress: [{ ip: 'fd00:127::7f60:102' }] } });
  assert.deepEqual(await scene.said(), [
    'route fd00:127::7f60:102 via fd00:172:18::2',
    'tcp 127.96.1.2:80',
    'open 1 tcp4 fd00:127::7f60:102:80',
  ]);
  assert.deepEqual(scene.events(), ['Normal HostAddress 1']);
});

test('what the host cannot reach the Service says once, and again when it is another', async () => {
  await using scene = await Scene.begin();
  const status = { loadBalancer: { ingress: [{ ip: 'fd00:127::1' }] } };
  await scene.create({ type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30080 }] }, status);
  await scene.said();
  assert.deepEqual(scene.events(), ['Normal InsideOnly 1']);
  await scene.change({ externalTrafficPolicy: 'Local' });
  await scene.said();
  assert.deepEqual(scene.events(), ['Normal InsideOnly 1']);
  await scene.change({ ports: [{ port: 80, nodePort: 30081 }] });
  await scene.said();
  assert.deepEqual(scene.events(), ['Normal InsideOnly 1', 'Normal InsideOnly 1']);
});
