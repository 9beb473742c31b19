import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createServer } from 'node:tls';
import { decode, encode } from 'dns-packet';
import { ManualClock, systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { CLUSTER } from './comparison/cluster-objects.ts';
import { parseCorefile } from './corefile/corefile.ts';
import { readServers } from './corefile/servers.ts';
import { DnsParts } from './dns-parts.ts';
import { endpointConnection } from './endpoint-connection.ts';
import { portResolvers } from './port-resolvers.ts';
import type { Resolve } from './resolver.ts';
import { ask, queryBytes, responseText } from './testing/ask.ts';
import { service } from './testing/objects.ts';
import { selfSigned } from './testing/self-signed.ts';
import { staticApi } from './testing/static-api.ts';
import { a, upstreamServer } from './testing/upstream-server.ts';
import { until } from './testing/until.ts';

interface Serving extends Disposable {
  readonly resolve: Resolve;
  readonly parts: DnsParts;
  readonly lines: readonly string[];
}

function serving(corefile: string, clock = systemClock): Serving {
  const parts = new DnsParts({
    connection: (config) => {
      assert.ok(config?.kind === 'endpoint');
      return endpointConnection(config);
    },
    clock,
    log: silentLog,
  });
  const lines: string[] = [];
  const servers = readServers(parseCorefile({ file: 'Corefile', text: corefile }));
  const { resolvers } = portResolvers(servers, parts, { clock, print: (line) => lines.push(line), version: '1' });
  const [port] = resolvers.values();
  assert.ok(port !== undefined);
  parts.settle();
  return { resolve: port.resolve, parts, lines, [Symbol.dispose]: () => parts.settle() };
}

async function withTtl(resolve: Resolve, question: string): Promise<string> {
  const [name = '', type] = question.split(' ');
  return responseText((await resolve(queryBytes(name, type), 'udp')) ?? new Uint8Array(), true);
}

test('policies: in turn, or one after the other', async () => {
  await using one = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.1')] }));
  await using two = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.2')] }));
  const corefile = (policy: string): string =>
    `. {\n forward . ${one.address} ${two.address} {\n policy ${policy}\n }\n}`;
  const addresses = async (policy: string): Promise<string> => {
    using server = serving(corefile(policy));
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) answers.push((await ask(server.resolve, 'a.test A')).slice(-1));
    return answers.join('');
  };
  assert.equal(await addresses('round_robin'), '1212');
  assert.equal(await addresses('sequential'), '1111');
  assert.match(await addresses('random'), /^[12]{4}$/);
});

test('the next forward is asked for codes that are named, and nobody while no server is healthy', async () => {
  await using inner = await upstreamServer((name) =>
    name === 'inside.test' ? { answers: [a(name, '192.0.2.1')] } : { rcode: name === 'refused.test' ? 5 : 3 },
  );
  await using outer = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.2')] }));
  using both = serving(
    `. {\n forward . ${inner.address} {\n next NXDOMAIN REFUSED\n }\n forward . ${outer.address}\n}`,
  );
  assert.equal(await ask(both.resolve, 'inside.test A'), 'NOERROR -aa | inside.test A 192.0.2.1');
  assert.equal(await ask(both.resolve, 'outside.test A'), 'NOERROR -aa | outside.test A 192.0.2.2');
  assert.equal(await ask(both.resolve, 'refused.test A'), 'NOERROR -aa | refused.test A 192.0.2.2');
  using only = serving(`. {\n forward . ${inner.address} {\n next SERVFAIL\n }\n}`);
  assert.equal(await ask(only.resolve, 'outside.test A'), 'NXDOMAIN -aa');

  const corefile = (more: string): string =>
    `. {\n forward . 127.0.0.1:9 {\n max_fails 1\n health_check 1h\n ${more}\n }\n}`;
  using patient = serving(corefile(''));
  using failing = serving(corefile('failfast_all_unhealthy_upstreams'));
  const misses = async ({ resolve, parts }: ReturnType<typeof serving>): Promise<string> => {
    for (const name of ['a.test', 'b.test', 'c.test']) assert.equal(await ask(resolve, `${name} A`), 'SERVFAIL -aa');
    const [forwarder] = parts.forwarderList();
    const { opened, reused } = forwarder?.upstreams()[0]?.metrics ?? { opened: { udp: 0 }, reused: { udp: 0 } };
    return `${opened.udp + reused.udp} asked, ${forwarder?.counts.broken} while it was known to be down`;
  };
  assert.equal(await misses(patient), '3 asked, 2 while it was known to be down');
  assert.equal(await misses(failing), '1 asked, 2 while it was known to be down');
});

test('without cache nothing is kept, with it times have their limits', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.1', 300)] }));
  using none = serving(`. {\n forward . ${upstream.address}\n}`);
  await ask(none.resolve, 'a.test A');
  await ask(none.resolve, 'a.test A');
  assert.equal(upstream.asked.length, 2);
  using some = serving(
    `. {\n forward . ${upstream.address}\n cache 30 {\n success 100 60 40\n disable success b.test\n }\n}`,
  );
  assert.equal(await withTtl(some.resolve, 'a.test A'), 'NOERROR -aa | a.test 60 A 192.0.2.1');
  assert.equal(await withTtl(some.resolve, 'a.test A'), 'NOERROR -aa | a.test 60 A 192.0.2.1');
  await ask(some.resolve, 'b.test A');
  await ask(some.resolve, 'b.test A');
  assert.deepEqual(upstream.asked.slice(2), ['a.test A udp', 'b.test A udp', 'b.test A udp']);
});

test('keepttl tells everybody the whole time', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.1', 300)] }));
  class TestClock extends ManualClock {
    override after(ms: number, fn: () => void): Disposable {
      return systemClock.after(ms, fn);
    }
  }
  const clock = new TestClock();
  using server = serving(`. {\n forward . ${upstream.address}\n cache 60 {\n keepttl\n }\n}`, clock);
  await ask(server.resolve, 'a.test A');
  await clock.advance(50_000);
  assert.equal(await withTtl(server.resolve, 'a.test A'), 'NOERROR -aa | a.test 60 A 192.0.2.1');
  assert.equal(upstream.asked.length, 1);
});

test('force_tcp: a connection is opened anew where the server closes it after an answer', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.1')] }));
  using server = serving(`. {\n forward . ${upstream.address} {\n force_tcp\n expire 5s\n }\n}`);
  for (const name of ['a.test', 'b.test', 'c.test']) {
    assert.equal(await ask(server.resolve, `${name} A`), `NOERROR -aa | ${name} A 192.0.2.1`);
  }
  // It may hear of a question once more on a connection that it was about to close.
  assert.deepEqual([...new Set(upstream.asked)], ['a.test A tcp', 'b.test A tcp', 'c.test A tcp']);
});

test('serve_stale gives what it has at once, and asks anew behind it', async () => {
  let answer = 1;
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, `192.0.2.${answer}`, 10)] }));
  class TestClock extends ManualClock {
    override after(ms: number, fn: () => void): Disposable {
      return systemClock.after(ms, fn);
    }
  }
  const clock = new TestClock();
  using server = serving(`. {\n forward . ${upstream.address}\n cache {\n serve_stale 1h immediate\n }\n}`, clock);
  assert.equal(await ask(server.resolve, 'a.test A'), 'NOERROR -aa | a.test A 192.0.2.1');
  answer = 2;
  await clock.advance(11_000);
  assert.ok(!(server.resolve(queryBytes('a.test'), 'udp') instanceof Promise));
  await until('it is asked again', () => upstream.asked.length >= 2);
  const fresh = 'NOERROR -aa | a.test A 192.0.2.2';
  await until('the new answer is given', async () => (await ask(server.resolve, 'a.test A')) === fresh);
});

test('DNS over TLS: only of a server that has the certificate for its name', async () => {
  const { cert, key } = await selfSigned('dns.test');
  const directory = mkdtempSync(join(tmpdir(), 'dns-tls-'));
  const asked: string[] = [];
  const server = createServer({ cert, key }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const packet = decode(chunk.subarray(2));
      const [question] = packet.questions ?? [];
      if (question === undefined) return;
      if (question.type === 'A') asked.push(question.name);
      const answers = question.type === 'A' ? [a(question.name, '192.0.2.1')] : [];
      const bytes = encode({ type: 'response', id: packet.id ?? 0, flags: 0x180, questions: [question], answers });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.write(Buffer.concat([length, bytes]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, cert);
    const corefile = (name: string): string =>
      `. {\n forward . tls://127.0.0.1:${port} {\n tls ${ca}\n tls_servername ${name}\n }\n}`;
    using right = serving(corefile('dns.test'));
    assert.equal(await ask(right.resolve, 'a.test A'), 'NOERROR -aa | a.test A 192.0.2.1');
    using wrong = serving(corefile('other.test'));
    assert.equal(await ask(wrong.resolve, 'b.test A'), 'SERVFAIL -aa');
    assert.deepEqual(asked, ['a.test']);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});

test('a stub domain has servers of its own, and what no block is for is refused', async () => {
  await using one = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.1')] }));
  await using two = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.2')] }));
  using server = serving(
    `corp.test {\n forward . ${one.address}\n}\ndeep.corp.test other.test {\n forward . ${two.address}\n}`,
  );
  assert.equal(await ask(server.resolve, 'a.corp.test A'), 'NOERROR -aa | a.corp.test A 192.0.2.1');
  assert.equal(await ask(server.resolve, 'a.deep.corp.test A'), 'NOERROR -aa | a.deep.corp.test A 192.0.2.2');
  assert.equal(await ask(server.resolve, 'other.test A'), 'NOERROR -aa | other.test A 192.0.2.2');
  assert.equal(await ask(server.resolve, 'example.test A'), 'REFUSED -aa');
  assert.equal(await ask(server.resolve, 'xcorp.test A'), 'REFUSED -aa');
});

test('the target of an alias goes through all stages, in circles only so often', async () => {
  const services = [
    ...CLUSTER.services,
    service('hosted', { type: 'ExternalName', externalName: 'seven.test' }),
    service('round', { type: 'ExternalName', externalName: 'round.test' }),
  ];
  await using api = await staticApi({ ...CLUSTER, services });
  using server = serving(`. {
    rewrite name round.test round.ns.svc.cluster.local
    hosts {
      192.0.2.7 seven.test
      fallthrough
    }
    kubernetes cluster.local {
      endpoint ${api.url}
    }
  }`);
  await until('the cluster is known', () => server.parts.isReady);
  assert.equal(
    await ask(server.resolve, 'hosted.ns.svc.cluster.local A'),
    'NOERROR | hosted.ns.svc.cluster.local CNAME seven.test | seven.test A 192.0.2.7',
  );
  assert.equal(await ask(server.resolve, 'round.ns.svc.cluster.local A'), 'SERVFAIL -aa');
});

test('before a cluster is known its names fail, and others do not', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.1')] }));
  // Nobody listens there.
  using server = serving(
    `. {\n kubernetes cluster.local in-addr.arpa {\n endpoint http://127.0.0.1:9\n }\n forward . ${upstream.address}\n}`,
  );
  assert.equal(await ask(server.resolve, 'web.ns.svc.cluster.local A'), 'SERVFAIL -aa');
  assert.equal(await ask(server.resolve, '7.0.96.10.in-addr.arpa PTR'), 'SERVFAIL -aa');
  assert.equal(await ask(server.resolve, 'a.test A'), 'NOERROR -aa | a.test A 192.0.2.1');
});

test('acl: silence for some, also of mapped addresses; those whom nobody knows are blocked', async () => {
  using server = serving(`. {
    acl {
      drop net 10.0.0.0/8
      block type TXT
    }
    template IN ANY {
      answer "{{ .Name }} 5 IN A 192.0.2.1"
    }
  }`);
  const says = (client?: string, type = 'A'): Promise<string> => ask(server.resolve, `a.test ${type}`, {}, client);
  assert.equal(await says('10.1.2.3'), 'silence');
  assert.equal(await says('::ffff:10.1.2.3'), 'silence');
  assert.equal(await says('192.0.2.7'), 'NOERROR | a.test A 192.0.2.1');
  assert.equal(await says('192.0.2.7', 'TXT'), 'REFUSED -aa');
  assert.equal(await says(), 'REFUSED -aa');
});

test('template: no name that is asked for is more than one word of a record, or longer than there is room', async () => {
  using server = serving(`. {
    template IN A {
      match "^(?P<first>[^.]*)"
      answer "{{ .Name }} 5 IN A 192.0.2.1"
      answer "a.test 5 IN TXT {{ .Group.first }}"
    }
    template IN AAAA {
      answer "v6.{{ .Name }} 5 IN CNAME x{{ .Name }}"
    }
  }`);
  const says = (first: string): Promise<string> => ask(server.resolve, `${first}.test A`, {}, '192.0.2.7');
  assert.equal(await says('a1'), 'NOERROR | a1.test A 192.0.2.1 | a.test TXT a1');
  for (const first of ['a;1', 'a"1', `a(${'1'.repeat(50)}x`]) assert.equal(await says(first), 'SERVFAIL -aa', first);
  // No label has more than 63 bytes.
  const label = 'y'.repeat(62);
  const found = await ask(server.resolve, `${label}.test AAAA`, {}, '192.0.2.7');
  assert.equal(found, `NOERROR | v6.${label}.test CNAME x${label}.test`);
  assert.equal(await ask(server.resolve, `${label}y.test AAAA`, {}, '192.0.2.7'), 'SERVFAIL -aa');
});

test('texts are cut where one has no room: a record goes on in the next, a version ends', async () => {
  const long = 'x'.repeat(300);
  using server = serving(`. {
    template IN TXT {
      answer "{{ .Name }} 5 IN TXT ${long}"
    }
    chaos ${long}
  }`);
  const [first, rest] = [long.slice(0, 255), long.slice(255)];
  assert.equal(await ask(server.resolve, 'a.test TXT'), `NOERROR | a.test TXT ${first} ${rest}`);
  const version = await ask(server.resolve, 'version.bind TXT', { class: 'CH' });
  assert.equal(version, `NOERROR -aa | version.bind TXT ${first}`);
});

test('log says each query in a line, of the classes that are asked for', async () => {
  await using upstream = await upstreamServer((name) =>
    name === 'a.test' ? { answers: [a(name, '192.0.2.1')] } : { rcode: 3 },
  );
  using server = serving(`. {\n forward . ${upstream.address}\n log test {\n class denial\n }\n}`);
  for (const name of ['a.test', 'none.test', 'none.other'])
    await ask(server.resolve, `${name} A`, { edns: 1232 }, '10.0.0.1');
  assert.deepEqual(
    server.lines.map((line) => line.replace(/\d+\.\d+s$/, 'TIME')),
    ['[INFO] 10.0.0.1 - 7 "A IN none.test. udp 38 false 1232" NXDOMAIN qr,rd,ra 38 TIME'],
  );
});

test('a hosts file is followed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dns-hosts-'));
  try {
    const file = join(directory, 'hosts');
    writeFileSync(file, '192.0.2.1 one.test # two.test\n\nnonsense three.test\n2001:db8::1 one.test ONE.test\n');
    using server = serving(`. {\n hosts ${file} test {\n ttl 60\n reload 10ms\n }\n}`);
    assert.equal(await withTtl(server.resolve, 'one.test A'), 'NOERROR | one.test 60 A 192.0.2.1');
    assert.equal(await ask(server.resolve, 'one.test AAAA'), 'NOERROR | one.test AAAA 2001:db8::1');
    assert.equal(await ask(server.resolve, 'two.test A'), 'SERVFAIL -aa');
    writeFileSync(file, '192.0.2.2 two.test\n');
    const changed = 'NOERROR | two.test A 192.0.2.2';
    await until('the file is followed', async () => (await ask(server.resolve, 'two.test A')) === changed);
    assert.equal(await ask(server.resolve, 'one.test A'), 'SERVFAIL -aa');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a rewritten answer has the name that was asked for, letter by letter, and no more than fits', async () => {
  const many = Array.from({ length: 100 }, (_, i) => a('many.to.test', `192.0.2.${i}`));
  await using upstream = await upstreamServer((name, transport) =>
    transport === 'udp' ? { truncated: true } : { answers: name === 'many.to.test' ? many : [] },
  );
  using server = serving(
    `. {\n rewrite name suffix .from.test .to.test answer auto\n forward . ${upstream.address}\n}`,
  );
  const answer = await ask(server.resolve, 'Many.From.test A', { edns: 1232 });
  assert.match(answer, /^NOERROR -aa tc( \| (Many\.From|many\.from)\.test A 192\.0\.2\.\d+){30,99} \| \+ OPT 1232 0$/);
});

test('an answer whose names cannot be written is none', async () => {
  const long = `${'y'.repeat(63)}.to.test`;
  await using upstream = await upstreamServer((name) => ({
    answers: [{ type: 'CNAME', name, ttl: 5, data: name === 'a.to.test' ? 'b.to.test' : long }],
  }));
  using server = serving(`. {
    rewrite stop {
      name suffix .from.test .to.test
      answer value (.*)\\.to\\.test\\. x{1}.from.test.
    }
    forward . ${upstream.address}
  }`);
  assert.equal(await ask(server.resolve, 'a.from.test A'), 'NOERROR -aa | a.to.test CNAME xb.from.test');
  assert.equal(await ask(server.resolve, 'c.from.test A'), 'SERVFAIL -aa');
});
