import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import test, { type TestContext } from 'node:test';
import type { Service } from '#api/generated/types.ts';
import type { IpFamily } from '#base/ip.ts';
import { silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderTable } from '#nftables/render.ts';
import { renderTransaction } from '#nftables/render-transaction.ts';
import type { Transaction } from '#nftables/transaction.ts';
import { describePlan } from './describe.ts';
import { guardOf } from './guard.ts';
import { Model } from './model.ts';
import { Plan } from './plan.ts';
import { ruleset } from './ruleset.ts';
import type { RulesetSettings } from './settings.ts';
import { TableSync } from './table-sync.ts';
import { cidr } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

function golden(name: string, text: string): string {
  if (process.env['UPDATE'] === '1') writeFileSync(new URL(`testdata/${name}`, import.meta.url), text);
  return readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8');
}

test('the ruleset of a small cluster, as text and as nft lists it', (t) => {
  const model = new Model({ nodeName: 'a', families: [4], log: silentLog });
  model.setService(service('dns', '10.96.0.10', [{ port: 53, protocol: 'UDP' }]));
  model.setService(service('web', '10.96.0.50', [{ port: 80 }]));
  model.setService(service('empty', '10.96.0.60', [{ port: 80 }]));
  model.setSlice(slice('dns', ['10.244.1.2 node=b'], [{ port: 5353, protocol: 'UDP' }]));
  model.setSlice(slice('web', ['10.244.0.5', '10.244.1.5 node=b', '10.244.1.6 notready'], [{ port: 8080 }]));
  const changes = model.takeChanges();
  const settings = settingsWith({ ranges: [cidr('10.96.0.0/12')] });
  const plan = new Plan(ruleset(4));
  for (const { transaction } of plan.steps(changes)) assert.ok(transaction.operations.length > 0);
  const text = renderTable(describePlan(plan, settings));
  assert.equal(text, golden('small.nft', text));
  agreesWithNft(t, text, (socket) => new TableSync(socket, 4, settings).resync(changes, () => {}));
});

/** Services that use every feature there is, with addresses of either family. */
function everything(family: IpFamily): { readonly model: Model; readonly settings: RulesetSettings } {
  const six = family === 6;
  const address = (index: number): string => (six ? `fd00:96::${index}` : `10.96.0.${index}`);
  const external = (index: number): string => (six ? `2001:db8::${index}` : `203.0.113.${index}`);
  const pod = (node: number, index: number): string => (six ? `fd00:244:${node}::${index}` : `10.244.${node}.${index}`);
  const pods = [pod(0, 5), `${pod(1, 5)} node=b`];
  const type = { addressType: six ? 'IPv6' : 'IPv4' };
  const ClientIP = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } };
  const LoadBalancer = { type: 'LoadBalancer', loadBalancerSourceRanges: [six ? '2001:db8:1::/48' : '192.0.2.0/24'] };
  const Local = { externalTrafficPolicy: 'Local' };
  const ingress = (index: number): { status: Service['status'] } => ({
    status: { loadBalancer: { ingress: [{ ip: external(index) }] } },
  });
  const port = [{ port: 80, nodePort: 30_080 }];
  const model = new Model({ nodeName: 'a', families: [family], log: silentLog });
  const objects: [Service, readonly string[]][] = [
    [service('plain', address(1), [{ port: 80 }]), pods],
    [service('tls', address(1), [{ port: 443 }]), pods],
    [service('alt', external(1), [{ port: 8080 }]), pods],
    [service('sticky', address(2), [{ port: 80 }], { spec: ClientIP }), pods],
    [service('here', address(3), [{ port: 80 }], { spec: { internalTrafficPolicy: 'Local' } }), pods.slice(1)],
    [{ ...service('balanced', address(4), port, { spec: LoadBalancer }), ...ingress(4) }, pods],
    [
      {
        ...service('local', address(5), [{ port: 80, nodePort: 30_081 }], {
          spec: { ...LoadBalancer, ...Local, ...ClientIP },
        }),
        ...ingress(5),
      },
      pods,
    ],
    [service('empty', address(6), [{ port: 80, nodePort: 30_082 }], { spec: { type: 'NodePort' } }), []],
    [service('external', address(7), [{ port: 80 }], { spec: { externalIPs: [external(7)] } }), []],
    [
      service('udp', address(8), [{ port: 53, nodePort: 30_053, protocol: 'UDP' }], { spec: { type: 'NodePort' } }),
      pods,
    ],
  ];
  for (const [object, endpoints] of objects) {
    const protocol = object.spec?.ports?.[0]?.protocol === 'UDP' ? 'UDP' : 'TCP';
    model.setService(object);
    model.setSlice(slice(object.metadata.name, endpoints, [{ port: 8080, protocol }], type));
  }
  const settings = settingsWith({
    ranges: [cidr(six ? 'fd00:96::/108' : '10.96.0.0/12')],
    podCidrs: [cidr(six ? 'fd00:244::/32' : '10.244.0.0/16')],
    nodePortRanges: [cidr(six ? 'fd00:18::2/128' : '172.18.0.2/32')],
    hasLocalhost: true,
  });
  return { model, settings };
}

for (const family of [4, 6] as const) {
  test(`the ruleset with every feature in use, as nft lists it, IPv${family}`, (t) => {
    const { model, settings } = everything(family);
    const changes = model.takeChanges();
    const rules = ruleset(family);
    const plan = new Plan(rules, settings.nodeAddresses);
    assert.equal([...plan.steps(changes)].length, 1);
    const sources = changes.flatMap(({ frontend }) => frontend?.sources ?? []);
    const guards = new Map(sources.map((one) => [one.service, guardOf(one, rules, settings.nodeAddresses)]));
    const text = renderTable(describePlan(plan, settings, [...guards.values()]));
    if (family === 4) assert.equal(text, golden('everything.nft', text));
    agreesWithNft(t, text, (socket) => {
      new TableSync(socket, family, settings).resync(changes, () => {});
      // A second one finds everything as it should be.
      const commits: string[] = [];
      const recording = Object.assign(Object.create(socket) as NftablesSocket, {
        commit: (step: Transaction): number => commits.push(renderTransaction(step)),
        readTable: socket.readTable.bind(socket),
        readElements: socket.readElements.bind(socket),
        visitElements: socket.visitElements.bind(socket),
      });
      new TableSync(recording, family, settings).resync(changes, () => {});
      assert.deepEqual(commits.join(''), '');
    });
  });
}

function settingsWith(some: Partial<RulesetSettings>): RulesetSettings {
  const mark = 0x4000;
  const none = { ranges: [], loadBalancerCidrs: [], podCidrs: [], nodeAddresses: [], nodePortRanges: [] };
  return { ...none, hasLocalhost: false, mark, masqueradeAll: false, isConntrackLiberal: false, ...some };
}

function agreesWithNft(t: TestContext, text: string, program: (socket: NftablesSocket) => void): void {
  const netns = createNetns();
  const other = createNetns();
  t.after(() => [netns, other].forEach((fd) => closeSync(fd)));
  using socket = inNetns(netns, () => NftablesSocket.open());
  program(socket);
  const listed = inNetns(netns, () => spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }));
  if (listed.error !== undefined) return t.skip('nft is not installed');
  // The kernel lists chains in the order in which they were made.
  assert.deepEqual(blocks(listed.stdout), blocks(text));
  assert.equal(listed.stderr, '');
  const json = inNetns(netns, () => spawnSync('nft', ['-j', 'list', 'ruleset'], { encoding: 'utf8' }));
  assert.equal(json.status, 0);
  assert.ok(Array.isArray((JSON.parse(json.stdout) as { nftables: unknown }).nftables));
  // nft has no JSON for `update @map { key : data }`: it says so, and leaves that statement away.
  assert.equal(json.stderr.replaceAll('warning: stmt ops map have no json callback\n', ''), '');
  // What nft lists, it takes again; but a client and a frontend of IPv6 do not fit the registers that its compiler uses.
  if (text.includes('@affinity { ip6 saddr')) return;
  const again = inNetns(other, () => spawnSync('nft', ['-f', '-'], { input: listed.stdout, encoding: 'utf8' }));
  assert.deepEqual([again.status, again.stderr], [0, '']);
}

function blocks(text: string): string[] {
  return text.split('\n\t}\n').sort();
}
