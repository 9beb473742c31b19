import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import test, { after } from 'node:test';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import { formatAddress } from './address.ts';
import { isolateTestFile } from './isolated-test.ts';
import { openConnectSocket, openListenSocket } from './listen-socket.ts';
import { createNetns, inNetns } from './namespace.ts';
import { formatRoute } from './route.ts';
import { RtnetlinkSocket } from './rtnetlink-socket.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';

isolateTestFile();

function ip(text: string): Ip {
  const parsed = parseIp(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

/** What `ip -j` says in a namespace, undefined where iproute2 is not installed. */
function ipJson(netns: number, ...args: readonly string[]): unknown[] | undefined {
  try {
    return inNetns(
      netns,
      () => JSON.parse(execFileSync('ip', ['-j', ...args], { encoding: 'utf8' }) || '[]') as unknown[],
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Two hosts on two links, and a router with a bridge between them. */
function network(): { router: number; hosts: readonly [number, number] } {
  const router = createNetns();
  const hosts = [createNetns(), createNetns()] as const;
  // A link's own IPv6 address is of no use during the two seconds in which it asks whether another has it.
  for (const netns of [router, ...hosts]) inNetns(netns, () => writeSysctl('net.ipv6.conf.default.accept_dad', 0));
  using rtnetlink = inNetns(router, () => RtnetlinkSocket.open());
  rtnetlink.createBridge({ name: 'br0', up: true, address: '02:00:00:00:00:ff', multicastSnooping: false });
  const bridge = rtnetlink.getLink('br0');
  assert.ok(bridge !== undefined);
  for (const address of ['10.1.0.1', 'fd00::1']) {
    rtnetlink.addAddress({ ip: ip(address), prefix: address.includes(':') ? 128 : 32, link: bridge.index });
  }
  for (const [index, netns] of hosts.entries()) {
    const host = index + 2;
    rtnetlink.createVeth({
      name: `host${host}`,
      up: true,
      mtu: 1400,
      master: bridge.index,
      peer: { name: 'eth0', netns, mtu: 1400, address: `02:00:00:00:00:0${host}` },
    });
    rtnetlink.addRoute({ destination: cidr(`10.1.0.${host}/32`), link: bridge.index, source: ip('10.1.0.1') });
    rtnetlink.addRoute({ destination: cidr(`fd00::${host}/128`), link: bridge.index });
    using inside = inNetns(netns, () => RtnetlinkSocket.open());
    inside.setLink('lo', { up: true });
    inside.setLink('eth0', { up: true });
    const link = inside.getLink('eth0')?.index ?? 0;
    for (const [address, gateway] of [
      [`10.1.0.${host}`, '10.1.0.1'],
      [`fd00::${host}`, 'fd00::1'],
    ] as const) {
      const whole = gateway.includes(':') ? 128 : 32;
      inside.addAddress({ ip: ip(address), prefix: whole, link });
      inside.addRoute({ destination: cidr(`${gateway}/${whole}`), link, scope: 'link' });
      inside.addRoute({ destination: cidr(whole === 32 ? '0.0.0.0/0' : '::/0'), gateway: ip(gateway), link });
    }
  }
  inNetns(router, () => {
    writeSysctl('net.ipv4.ip_forward', 1);
    writeSysctl('net.ipv6.conf.all.forwarding', 1);
    // A redirect would make the hosts speak to each other directly, past the router.
    writeSysctl('net.ipv4.conf.all.send_redirects', 0);
  });
  return { router, hosts };
}

const { router, hosts } = network();
after(() => [router, ...hosts].forEach((fd) => closeSync(fd)));

for (const address of ['10.1.0.2', 'fd00::2']) {
  test(`a host reaches ${address} through the router`, async () => {
    const { fd, port } = inNetns(hosts[0], () => openListenSocket({ protocol: 'tcp', address: ip(address), port: 0 }));
    const server = net.createServer((socket) => socket.end(`to ${socket.remoteAddress}`));
    server.listen({ fd });
    await once(server, 'listening');
    const client = new net.Socket({ fd: inNetns(hosts[1], () => openConnectSocket(ip(address).family)) });
    client.setEncoding('utf8');
    client.connect({ host: address, port });
    const [text] = (await once(client, 'data')) as [string];
    assert.equal(text, `to ${address.replace(/2$/, '3')}`);
    client.destroy();
    server.close();
    await once(server, 'close');
  });
}

test('listRoutes() agrees with ip(8)', (t) => {
  using rtnetlink = inNetns(hosts[0], () => RtnetlinkSocket.open());
  const eth0 = rtnetlink.getLink('eth0')?.index;
  assert.equal(
    [...rtnetlink.listRoutes(4), ...rtnetlink.listRoutes(6).filter((route) => route.protocol === 4)]
      .map((route) => formatRoute(route).replace(`dev ${eth0}`, 'dev eth0'))
      .join('\n'),
    [
      'default via 10.1.0.1 dev eth0',
      '10.1.0.1/32 dev eth0 scope link',
      'fd00::1/128 dev eth0 metric 1024',
      'default via fd00::1 dev eth0 metric 1024',
    ].join('\n'),
  );
  const routes = ipJson(hosts[0], 'route', 'show') as Record<string, unknown>[] | undefined;
  if (routes === undefined) return t.skip('iproute2 is not installed');
  assert.deepEqual(routes, [
    { dst: 'default', gateway: '10.1.0.1', dev: 'eth0', protocol: 'static', flags: [] },
    { dst: '10.1.0.1', dev: 'eth0', protocol: 'static', scope: 'link', flags: [] },
  ]);
});

test('listLinks() and listAddresses() agree with ip(8)', (t) => {
  using rtnetlink = inNetns(router, () => RtnetlinkSocket.open());
  const links = rtnetlink.listLinks();
  assert.deepEqual(
    links.map(({ name, up, mtu, type, master }) => ({ name, up, mtu, type, master })),
    [
      { name: 'lo', up: false, mtu: 65536, type: '', master: undefined },
      { name: 'br0', up: true, mtu: 1400, type: 'bridge', master: undefined },
      { name: 'host2', up: true, mtu: 1400, type: 'veth', master: links[1]?.index },
      { name: 'host3', up: true, mtu: 1400, type: 'veth', master: links[1]?.index },
    ],
  );
  const addresses = rtnetlink.listAddresses().filter(({ scope }) => scope === 0);
  assert.deepEqual(addresses.map(formatAddress), ['10.1.0.1/32', 'fd00::1/128']);

  type IpLink = { ifindex: number; ifname: string; mtu: number; address: string };
  const theirs = ipJson(router, 'link', 'show') as IpLink[] | undefined;
  if (theirs === undefined) return t.skip('iproute2 is not installed');
  assert.deepEqual(
    links.map((link) => ({ ifindex: link.index, ifname: link.name, mtu: link.mtu, address: link.address })),
    theirs.map(({ ifindex, ifname, mtu, address }) => ({ ifindex, ifname, mtu, address })),
  );
});

test('setLink() renames, moves and changes a link', () => {
  const other = createNetns();
  using here = RtnetlinkSocket.open();
  using there = inNetns(other, () => RtnetlinkSocket.open());
  here.createVeth({ name: 'left0', address: '02:00:00:00:00:aa', peer: { name: 'right0' } });
  const link = here.getLink('left0');
  assert.ok(link !== undefined);
  here.setLink(link.index, { name: 'moved0', mtu: 1300 });
  here.setLink('moved0', { netns: other });
  assert.equal(here.getLink('moved0'), undefined);
  there.setLink('moved0', { up: true });
  const { index: _, operState: __, peer: ___, ...rest } = there.getLink('moved0') ?? link;
  assert.deepEqual(rest, {
    kind: 'link',
    name: 'moved0',
    up: true,
    mtu: 1300,
    address: '02:00:00:00:00:aa',
    type: 'veth',
  });
  there.deleteLink('moved0');
  assert.equal(here.getLink('right0'), undefined);
  assert.deepEqual(
    there.listLinks().map(({ name }) => name),
    ['lo'],
  );
  closeSync(other);
});

test('replaceRoute() and deleteRoute() change one route', () => {
  const netns = createNetns();
  using rtnetlink = inNetns(netns, () => RtnetlinkSocket.open());
  assert.deepEqual(rtnetlink.listRoutes(4), []);
  rtnetlink.setLink('lo', { up: true });
  rtnetlink.addRoute({ destination: cidr('10.96.0.0/12'), link: 1 });
  rtnetlink.replaceRoute({ destination: cidr('10.96.0.0/12'), link: 1, source: ip('127.0.0.1') });
  rtnetlink.addRoute({ destination: cidr('10.112.0.0/12'), type: 'blackhole' });
  rtnetlink.addRoute({ destination: cidr('10.128.0.0/12'), type: 'local', link: 1, table: 1000 });
  assert.deepEqual(rtnetlink.listRoutes(4).map(formatRoute), [
    '10.96.0.0/12 dev 1 scope link src 127.0.0.1',
    'blackhole 10.112.0.0/12',
  ]);
  assert.deepEqual(rtnetlink.listRoutes(4, 1000).map(formatRoute), ['local 10.128.0.0/12 dev 1 scope host']);
  rtnetlink.deleteRoute({ destination: cidr('10.96.0.0/12') });
  rtnetlink.deleteRoute({ destination: cidr('10.112.0.0/12'), type: 'blackhole' });
  rtnetlink.deleteRoute({ destination: cidr('10.128.0.0/12'), table: 1000 });
  assert.deepEqual(rtnetlink.listRoutes(4), []);
  closeSync(netns);
});

test('replaceNeighbor() sets who is at an address', () => {
  using rtnetlink = inNetns(router, () => RtnetlinkSocket.open());
  const link = rtnetlink.getLink('br0')?.index ?? 0;
  const list = (): string[] =>
    rtnetlink
      .listNeighbors(4, link)
      .filter(({ permanent }) => permanent)
      .map((entry) => `${formatIp(entry.ip)} ${entry.address}`);
  rtnetlink.replaceNeighbor({ ip: ip('10.1.0.9'), address: '02:00:00:00:00:08', link });
  rtnetlink.replaceNeighbor({ ip: ip('10.1.0.9'), address: '02:00:00:00:00:09', link });
  assert.deepEqual(list(), ['10.1.0.9 02:00:00:00:00:09']);
  rtnetlink.deleteNeighbor({ ip: ip('10.1.0.9'), link });
  assert.deepEqual(list(), []);
});

test('deleteAddress() takes an address away', () => {
  using rtnetlink = inNetns(router, () => RtnetlinkSocket.open());
  const spec = { ip: ip('10.7.0.1'), prefix: 24, link: rtnetlink.getLink('br0')?.index ?? 0 };
  rtnetlink.addAddress(spec);
  assert.ok(rtnetlink.listAddresses(4).map(formatAddress).includes('10.7.0.1/24'));
  rtnetlink.deleteAddress(spec);
  assert.ok(!rtnetlink.listAddresses(4).map(formatAddress).includes('10.7.0.1/24'));
});

test('errors say what was tried and what the kernel answered', () => {
  using rtnetlink = inNetns(router, () => RtnetlinkSocket.open());
  const cases: readonly [() => void, string][] = [
    [() => rtnetlink.deleteLink('nolink'), 'Cannot delete link "nolink": ENODEV'],
    [() => rtnetlink.createBridge({ name: 'br0' }), 'Cannot create bridge "br0": EEXIST'],
    [
      () => rtnetlink.addRoute({ destination: cidr('10.0.0.0/8'), gateway: ip('9.9.9.9') }),
      'Cannot add route 10.0.0.0/8 via 9.9.9.9: ENETUNREACH (Nexthop has invalid gateway)',
    ],
    [() => rtnetlink.deleteRoute({ destination: cidr('10.0.0.0/8') }), 'Cannot delete route 10.0.0.0/8: ESRCH'],
    [
      () => rtnetlink.setLink('br0', { address: 'nonsense' }),
      'Cannot parse hardware address "nonsense": it must be six pairs of hex digits',
    ],
    [
      () => rtnetlink.createBridge({ name: 'a-name-of-17-char' }),
      'Cannot create bridge "a-name-of-17-char": ERANGE (Attribute failed policy validation)',
    ],
  ];
  for (const [run, message] of cases)
    assert.throws(run, (error: Error) => (assert.equal(error.message, message), true));
});

test('sysctls belong to the namespace', () => {
  assert.equal(
    inNetns(router, () => readSysctl('net.ipv4.ip_forward')),
    '1',
  );
  assert.equal(
    inNetns(hosts[0], () => readSysctl('net/ipv4/ip_forward')),
    '0',
  );
});
