import assert from 'node:assert/strict';
import test from 'node:test';
import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { silentLog } from '#base/log.ts';
import { objectKey } from '#api/object.ts';
import { Model } from '../model.ts';
import { rulesetSettings } from '../settings.ts';
import { cidr } from '../testing/network.ts';
import { service, slice } from '../testing/objects.ts';
import { IptablesPlan } from './plan.ts';
import { resyncText } from './resync.ts';
import { parseSavedTable, type SavedTable } from './saved-table.ts';

const settings = rulesetSettings(
  { serviceCidrs: [], podCidrs: [cidr('10.244.0.0/16')], nodePortAddresses: 'all' },
  { addresses: ['172.18.0.2'], zone: undefined },
);
const port = [{ port: 8080 }];

class Setup {
  readonly model: Model = new Model({ nodeName: 'a', zone: undefined, families: [4], log: silentLog });
  readonly plan: IptablesPlan = new IptablesPlan(4, settings);

  set(...objects: readonly (Service | EndpointSlice)[]): string {
    for (const object of objects) {
      if (object.kind === 'Service') this.model.setService(object);
      else this.model.setSlice(object);
    }
    return this.plan.apply(this.model.takeChanges()).text;
  }

  delete(object: Service): string {
    this.model.deleteService(objectKey(object));
    return this.plan.apply(this.model.takeChanges()).text;
  }
}

test('a change is its own Service, and single rules of the chains that all share', () => {
  const one = new Setup();
  one.set(service('other', '10.96.0.40', [{ port: 80 }]), slice('other', ['10.244.0.9'], port));
  const web = service('web', '10.96.0.50', [{ port: 80 }]);
  assert.equal(
    one.set(web),
    `\
*filter
-I KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment "default/web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`,
  );
  // The first endpoint: rules that translate come before those that refuse go.
  assert.equal(
    one.set(slice('web', ['10.244.0.5'], port)),
    `\
*nat
:KUBE-SEP-5ORQWIE3QG6L2KWO - [0:0]
:KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]
-I KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G
-A KUBE-SVC-LOLE4ISW44XBNF3G ! -s 10.244.0.0/16 -d 10.96.0.50/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web -> 10.244.0.5:8080" -j KUBE-SEP-5ORQWIE3QG6L2KWO
-A KUBE-SEP-5ORQWIE3QG6L2KWO -s 10.244.0.5/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-5ORQWIE3QG6L2KWO -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.0.5:8080
COMMIT
*filter
-D KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment "default/web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`,
  );
  // One more: its own chain, and the one that chooses.
  assert.equal(
    one.set(slice('web', ['10.244.0.5', '10.244.0.6'], port)),
    `\
*nat
:KUBE-SEP-GXIHJEETW6REKY4G - [0:0]
:KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]
-A KUBE-SVC-LOLE4ISW44XBNF3G ! -s 10.244.0.0/16 -d 10.96.0.50/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web -> 10.244.0.5:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-5ORQWIE3QG6L2KWO
-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web -> 10.244.0.6:8080" -j KUBE-SEP-GXIHJEETW6REKY4G
-A KUBE-SEP-GXIHJEETW6REKY4G -s 10.244.0.6/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-GXIHJEETW6REKY4G -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.0.6:8080
COMMIT
`,
  );
  assert.equal(one.set(slice('web', ['10.244.0.6', '10.244.0.5', '10.244.0.7 notready'], port), web), '');
  assert.equal(
    one.delete(web),
    `\
*nat
:KUBE-SEP-5ORQWIE3QG6L2KWO - [0:0]
:KUBE-SEP-GXIHJEETW6REKY4G - [0:0]
:KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]
-D KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G
-X KUBE-SVC-LOLE4ISW44XBNF3G
-X KUBE-SEP-5ORQWIE3QG6L2KWO
-X KUBE-SEP-GXIHJEETW6REKY4G
COMMIT
`,
  );
});

test('with more than a thousand endpoints most comments go, and come back with less than half of them', () => {
  const one = new Setup();
  const pods = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.244.${i >> 8}.${i & 255}`);
  one.set(service('web', '10.96.0.50', [{ port: 80 }]), slice('web', ['10.244.9.1'], port));
  const commented = (): number => JSON.stringify([...one.plan.wanted().chains.nat.values()]).split(' -> ').length - 1;
  one.set(service('big', '10.96.0.60', [{ port: 80 }]), slice('big', pods(999), port));
  assert.equal(commented(), 1000);
  assert.match(one.set(slice('big', pods(1000), port)), /-A KUBE-SVC-LOLE4ISW44XBNF3G -j KUBE-SEP-/);
  assert.equal(commented(), 0);
  assert.doesNotMatch(one.set(slice('big', pods(600), port)), /KUBE-SVC-LOLE4ISW44XBNF3G/);
  assert.match(one.set(slice('big', pods(400), port)), /-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment/);
  assert.equal(commented(), 401);
});

test('many Services that go at once are one new list, not many searches of the old one', () => {
  const one = new Setup();
  const all = Array.from({ length: 150 }, (_, i) => service(`s${i}`, `10.96.1.${i}`, [{ port: 80 }]));
  one.set(...all.flatMap((each) => [each, slice(each.metadata.name, ['10.244.0.5'], port)]));
  for (const { metadata } of all.slice(1)) one.model.deleteService(`default/${metadata.name}`);
  const { text } = one.plan.apply(one.model.takeChanges());
  assert.equal(text.match(/^-D /gm), null);
  assert.deepEqual(
    text.match(/^-A KUBE-SERVICES .*$/gm)?.map((line) => line.split(' ').at(-1)),
    ['KUBE-SVC-UHPQ5H4SSHXD3XNW', 'KUBE-NODEPORTS'],
  );
});

test('two ranges of Pods, and interfaces of Pods', () => {
  const rules = (settings: Partial<Parameters<typeof rulesetSettings>[0]>): string[] => {
    const node = { addresses: [], zone: undefined };
    const plan = new IptablesPlan(4, rulesetSettings({ serviceCidrs: [], ...settings }, node));
    const model = new Model({ nodeName: 'a', zone: undefined, families: [4], log: silentLog });
    const spec = { type: 'NodePort', externalTrafficPolicy: 'Local' };
    model.setService(service('web', '10.96.0.50', [{ port: 80, nodePort: 30_080 }], { spec }));
    model.setSlice(slice('web', ['10.244.0.5'], port));
    plan.apply(model.takeChanges());
    const { nat } = plan.wanted().chains;
    return ['KUBE-MARK-OUTSIDE', 'KUBE-SVC-LOLE4ISW44XBNF3G', 'KUBE-EXT-LOLE4ISW44XBNF3G'].flatMap((chain) =>
      (nat.get(chain) ?? []).filter((rule) => /-s |-i |OUTSIDE/.test(rule)).map((rule) => `${chain} ${rule}`),
    );
  };
  assert.deepEqual(rules({ podCidrs: [cidr('10.244.0.0/16'), cidr('10.245.0.0/16')] }), [
    'KUBE-MARK-OUTSIDE -s 10.244.0.0/16 -j RETURN',
    'KUBE-MARK-OUTSIDE -s 10.245.0.0/16 -j RETURN',
    'KUBE-SVC-LOLE4ISW44XBNF3G -d 10.96.0.50/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-OUTSIDE',
    'KUBE-EXT-LOLE4ISW44XBNF3G -s 10.244.0.0/16 -m comment --comment "pod traffic for default/web external destinations" -j KUBE-SVC-LOLE4ISW44XBNF3G',
    'KUBE-EXT-LOLE4ISW44XBNF3G -s 10.245.0.0/16 -m comment --comment "pod traffic for default/web external destinations" -j KUBE-SVC-LOLE4ISW44XBNF3G',
  ]);
  assert.deepEqual(rules({ podInterface: { name: 'cni', isPrefix: true } }), [
    'KUBE-SVC-LOLE4ISW44XBNF3G -d 10.96.0.50/32 ! -i cni+ -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
    'KUBE-EXT-LOLE4ISW44XBNF3G -i cni+ -m comment --comment "pod traffic for default/web external destinations" -j KUBE-SVC-LOLE4ISW44XBNF3G',
  ]);
});

test('what is there is left alone, what others left in our chains is replaced, and chains of old Services go', () => {
  const one = new Setup();
  one.set(
    service('web', '10.96.0.50', [{ port: 80 }]),
    slice('web', ['10.244.0.5'], port),
    service('dns', '10.96.0.10', [{ port: 53, protocol: 'UDP' }]),
    slice('dns', ['10.244.0.6'], [{ port: 53, protocol: 'UDP' }]),
  );
  const empty: SavedTable = new Map();
  const first = resyncText(one.plan.wanted(), { filter: empty, nat: empty, mangle: empty });
  const saved = (table: string): string => {
    const section = first.split('COMMIT\n').find((part) => part.startsWith(`*${table}`)) ?? '';
    // Rules put first come out in the other order.
    const lines = section.split('\n');
    const inserted = lines.filter((line) => line.startsWith('-I')).reverse();
    const chains = [...new Set(inserted.map((line) => `:${line.split(' ')[1]} ACCEPT [0:0]`))];
    return [
      ...chains,
      ...lines.filter((line) => !line.startsWith('-I')),
      ...inserted.map((line) => line.replace('-I', '-A')),
    ].join('\n');
  };
  const tables = (change: (nat: string) => string): string =>
    resyncText(one.plan.wanted(), {
      filter: parseSavedTable(saved('filter')),
      nat: parseSavedTable(change(saved('nat'))),
      mangle: parseSavedTable(saved('mangle')),
    });
  assert.equal(
    tables((nat) => nat),
    '',
  );
  const reordered = (nat: string): string => {
    const rules = nat.match(/^-A KUBE-SERVICES .*cluster IP.*\n/gm) ?? [];
    return rules
      .reduce((text, rule) => text.replace(rule, ''), nat)
      .replace(/^-A KUBE-SERVICES/m, `${rules.toReversed().join('')}-A KUBE-SERVICES`);
  };
  assert.equal(tables(reordered), '');
  assert.equal(
    tables(
      (nat) =>
        `${nat.replace(/^-A KUBE-SEP-5ORQWIE3QG6L2KWO -s.*\n/m, '')}\n:KUBE-SVC-GONE - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\n`,
    ),
    `\
*nat
:KUBE-SEP-5ORQWIE3QG6L2KWO - [0:0]
:KUBE-SVC-GONE - [0:0]
-A KUBE-SEP-5ORQWIE3QG6L2KWO -s 10.244.0.5/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-5ORQWIE3QG6L2KWO -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.0.5:8080
-X KUBE-SVC-GONE
COMMIT
`,
  );
});
