import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodDNSConfig } from '#api/generated/types.ts';
import { expand } from './expand.ts';
import { isHostImage } from './host-image-name.ts';
import { hostnameOf, podDomainOf } from './host-name.ts';
import { hostNetworkHostsFile, hostsFile } from './hosts-file.ts';
import { formatResolvConf, parseResolvConf, resolvConf } from './resolv-conf.ts';

const machine = parseResolvConf(
  '# c\nnameserver 127.0.0.53\nsearch old.example\nsearch corp.example. .\noptions edns0 ndots:2\noptions ndots:1\n',
);

/** As many of 100 characters as there is room for, after the root. */
const PATHS = ['.', ...Array.from({ length: 20 }, (_, i) => `${i}`.padStart(100, '0'))].join(' ');

const resolvers: readonly {
  name: string;
  policy?: string;
  hostNetwork?: boolean;
  config?: PodDNSConfig;
  text: string;
  warnings?: readonly string[];
}[] = [
  {
    name: 'ClusterFirst by default',
    text: 'search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n',
  },
  {
    name: 'ClusterFirst on the node is Default',
    policy: 'ClusterFirst',
    hostNetwork: true,
    text: 'search corp.example\nnameserver 10.96.0.10\noptions edns0 ndots:1\n',
  },
  {
    name: 'ClusterFirstWithHostNet',
    policy: 'ClusterFirstWithHostNet',
    hostNetwork: true,
    text: 'search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n',
  },
  { name: 'Default', policy: 'Default', text: 'search corp.example\nnameserver 10.96.0.10\noptions edns0 ndots:1\n' },
  {
    name: 'None',
    policy: 'None',
    config: {
      nameservers: ['1.1.1.1'],
      searches: ['a.b'],
      options: [{ name: 'ndots', value: '2' }, { name: 'debug' }],
    },
    text: 'search a.b\nnameserver 1.1.1.1\noptions ndots:2 debug\n',
  },
  {
    name: 'ClusterFirst with additions',
    config: {
      nameservers: ['1.1.1.1', '10.96.0.10'],
      searches: ['corp.example', 'x.y'],
      options: [{ name: 'ndots', value: '1' }],
    },
    text: 'search ns.svc.cluster.local svc.cluster.local cluster.local corp.example x.y\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:1\n',
  },
  {
    name: 'no more than resolvers take',
    policy: 'None',
    config: {
      nameservers: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'],
      searches: ['.', 'a'.repeat(254), ...Array.from({ length: 31 }, (_, i) => `${i}`.padStart(100, '0'))],
    },
    text: `search ${PATHS}\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n`,
    warnings: [
      'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 192.0.2.1 192.0.2.2 192.0.2.3',
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${PATHS}`,
    ],
  },
];
for (const { name, policy, hostNetwork = false, config, text, warnings = [] } of resolvers) {
  test(`resolvConf() ${name}`, () => {
    const cluster = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', machine };
    assert.deepEqual(resolvConf({ namespace: 'ns', policy, hostNetwork, config, ...cluster }), { text, warnings });
  });
}

test('formatResolvConf() leaves out what is empty', () => {
  assert.equal(formatResolvConf({ nameservers: [], searches: [], options: [] }), '');
});

const HEAD = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

test('hostsFile() names the Pod and its aliases', () => {
  const spec = { hostname: 'web', podIps: ['10.244.0.2'], domain: undefined, aliases: [] };
  assert.equal(hostsFile(spec), `${HEAD}10.244.0.2\tweb\n`);
  assert.equal(
    hostsFile({
      ...spec,
      domain: 'web.sub.ns.svc.cluster.local',
      aliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }],
    }),
    `${HEAD}10.244.0.2\tweb.sub.ns.svc.cluster.local\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n`,
  );
  assert.equal(
    hostNetworkHostsFile('127.0.0.1 localhost\n', []),
    '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n',
  );
});

test('hostnameOf() and podDomainOf() take the Pod at its word, within the limits of DNS', () => {
  const pod = (name: string, spec: object): never => ({ metadata: { name, namespace: 'ns' }, spec }) as never;
  assert.equal(hostnameOf(pod('web-0', {})), 'web-0');
  assert.equal(hostnameOf(pod('web-0', { hostname: 'other' })), 'other');
  assert.equal(hostnameOf(pod(`${'a'.repeat(62)}-b`, {})), 'a'.repeat(62));
  assert.equal(podDomainOf(pod('web-0', {}), 'cluster.local'), undefined);
  assert.equal(podDomainOf(pod('web-0', { subdomain: 's' }), 'cluster.local'), 'web-0.s.ns.svc.cluster.local');
});

const expansions = [
  ['plain', 'plain'],
  ['$(A)', '1'],
  ['$(A)$(A)-$(B)', '11-$(B)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$A $', '$A $'],
  ['$(A', '$(A'],
  ['$()', '$()'],
] as const;
for (const [text, expanded] of expansions) {
  test(`expand(${text})`, () => {
    assert.equal(
      expand(text, (name) => (name === 'A' ? '1' : undefined)),
      expanded,
    );
  });
}

test('isHostImage() knows the names of the image host', () => {
  const names = ['host', 'host:latest', 'docker.io/library/host', 'host:1', 'ghost', 'nginx', ''];
  assert.equal(names.filter(isHostImage).join(' '), 'host host:latest docker.io/library/host');
});
