import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { systemClock } from '../../src/base/clock.ts';
import { RtnetlinkSocket } from '../../src/netlink/rtnetlink-socket.ts';
import { comparable } from '../../src/proxy/testing/comparable.ts';
import { everything, EVERYTHING_NODE } from '../../src/proxy/testing/everything.ts';
import { ip } from '../../src/proxy/testing/network.ts';
import { KubeApiServer } from './kube-apiserver.ts';

const WAIT_MS = 60_000;
/** The node's own part of the Pods' addresses. */
const POD_CIDRS = ['10.244.0.0/24', 'fd00:244::/64'];
/** Where this has rules, all have. */
const LAST_SERVICE = 'default/twice';

/** A real API server with `everything()` and its node, and without the Service of its own. */
export async function startEverything(): Promise<KubeApiServer> {
  const server = await KubeApiServer.start(['10.96.0.0/16', 'fd00:96::/108']);
  try {
    await createNode(server);
    for (const object of everything()) await create(server, object);
    await server.ask({ method: 'DELETE', path: '/api/v1/namespaces/default/services/kubernetes' });
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

type Object = ReturnType<typeof everything>[number];

/** What the Node states is there. */
export function addNodeAddresses(): void {
  using rtnetlink = RtnetlinkSocket.open();
  rtnetlink.setLink('lo', { up: true });
  for (const address of EVERYTHING_NODE.addresses) {
    rtnetlink.addAddress({ ip: ip(address), prefix: address.includes(':') ? 128 : 32, link: 1 });
  }
}

async function create(server: KubeApiServer, object: Object): Promise<void> {
  const { name, labels } = object.metadata;
  const isService = object.kind === 'Service';
  const path = isService
    ? '/api/v1/namespaces/default/services'
    : '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const body = { ...object, metadata: { name, labels }, ...(isService ? { status: undefined } : {}) };
  const made = await server.ask({ method: 'POST', path, body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  if (!isService || object.status?.loadBalancer === undefined) return;
  const contentType = 'application/merge-patch+json';
  const patched = await server.ask({
    method: 'PATCH',
    path: `${path}/${name}/status`,
    body: { status: object.status },
    contentType,
  });
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
}

async function createNode(server: KubeApiServer): Promise<void> {
  const { name, zone, addresses } = EVERYTHING_NODE;
  const metadata = { name, labels: { 'topology.kubernetes.io/zone': zone } };
  const made = await server.ask({
    method: 'POST',
    path: '/api/v1/nodes',
    body: { apiVersion: 'v1', kind: 'Node', metadata, spec: { podCIDR: POD_CIDRS[0], podCIDRs: POD_CIDRS } },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
  const contentType = 'application/merge-patch+json';
  const path = `/api/v1/nodes/${name}/status`;
  const patched = await server.ask({ method: 'PATCH', path, body: { status }, contentType });
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
}

/** What iptables-save prints of both families, to be compared. */
export function programmedRules(): string {
  return (
    (['iptables', 'ip6tables'] as const)
      .flatMap((program) =>
        (['filter', 'nat', 'mangle'] as const).map((table) => {
          const saved = execFileSync(`${program}-save`, ['-t', table], { encoding: 'utf8' });
          return `# ${program}\n${comparable(table, saved)}`;
        }),
      )
      .join('')
      .split('\n')
      // The API server makes its own Service again.
      .filter((line) => !line.includes('default/kubernetes:'))
      .join('\n')
  );
}

/** Until it has not changed for a while: kube-proxy waits a second between two rounds. */
export async function settledRules(proxy: { readonly isRunning: boolean; readonly log: string }): Promise<string> {
  const until = systemClock.monotonic() + WAIT_MS;
  let last = '';
  let same = 0;
  while (same < 8) {
    if (!proxy.isRunning || systemClock.monotonic() > until) throw new Error(proxy.log.slice(-4000));
    await systemClock.sleep(500);
    const now = programmedRules();
    same = now === last && now.includes(LAST_SERVICE) && now.includes('ip6') ? same + 1 : 0;
    last = now;
  }
  return last;
}
