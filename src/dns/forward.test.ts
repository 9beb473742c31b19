import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'node:test';
import { ManualClock, systemClock } from '#base/clock.ts';
import { createForwarder, type Forwarder, type ForwarderOptions } from './forward-socket.ts';
import type { Resolve } from './resolver.ts';
import { ask, queryBytes, responseText } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { testResolver } from './testing/resolver.ts';
import { a, soa, upstreamServer, type UpstreamServer } from './testing/upstream-server.ts';
import { until } from './testing/until.ts';

/** Time by hand for what is kept; what waits on sockets waits for as long as it takes, or hardly when told to. */
class TestClock extends ManualClock {
  impatient = false;

  override after(ms: number, fn: () => void): Disposable {
    if (!this.impatient) return systemClock.after(60_000, fn);
    return systemClock.after(1, () => {
      this.move(ms);
      fn();
    });
  }

  move(ms: number): void {
    void this.advance(ms);
  }
}

function forwarding(
  upstreams: readonly (UpstreamServer | string)[],
  options: Partial<ForwarderOptions> = {},
): { readonly resolve: Resolve; readonly forwarder: Forwarder } {
  const forwarder = createForwarder({
    clock: new TestClock(),
    ...options,
    upstreams: upstreams.map((upstream) => (typeof upstream === 'string' ? upstream : upstream.address)),
  });
  return { resolve: testResolver(testZone(), { forwarder }), forwarder };
}

async function withTtl(resolve: Resolve, question: string): Promise<string> {
  const [name = '', type] = question.split(' ');
  return responseText((await resolve(queryBytes(name, type), 'udp')) ?? new Uint8Array(), true);
}

/** Nobody listens there. */
const DEAD = '127.0.0.1:9';

test('passes other names on and keeps the answers, counting down', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.9', 60)] }));
  const clock = new TestClock();
  const { resolve, forwarder } = forwarding([upstream], { clock });
  assert.equal(await withTtl(resolve, 'Example.test A'), 'NOERROR -aa | example.test 60 A 192.0.2.9');
  clock.move(20_500);
  // From memory: not a promise.
  assert.ok(!(resolve(queryBytes('EXAMPLE.test'), 'udp') instanceof Promise));
  assert.equal(await withTtl(resolve, 'EXAMPLE.test A'), 'NOERROR -aa | example.test 40 A 192.0.2.9');
  clock.move(40_000);
  assert.equal(await withTtl(resolve, 'example.test A'), 'NOERROR -aa | example.test 60 A 192.0.2.9');
  assert.deepEqual(upstream.asked, ['example.test A udp', 'example.test A udp']);
  assert.deepEqual(
    { ...forwarder.counts },
    { hits: 2, denialHits: 0, misses: 2, prefetches: 0, stale: 0, rejected: 0, broken: 0, mismatched: 0 },
  );
});

test('keeps a denial for as long as its SOA says, and none without SOA', async () => {
  await using upstream = await upstreamServer((name) => ({
    rcode: name.startsWith('gone') ? 3 : 0,
    authorities: name.endsWith('soa.test') ? [soa('test', 300, 30)] : [],
  }));
  const clock = new TestClock();
  const { resolve } = forwarding([upstream], { clock });
  const expected = 'NXDOMAIN -aa | ! test 300 SOA ns hm 30';
  assert.equal(await withTtl(resolve, 'gone.soa.test A'), expected);
  assert.equal(await withTtl(resolve, 'gone.soa.test A'), expected);
  assert.equal(upstream.asked.length, 1);
  clock.move(31_000);
  await withTtl(resolve, 'gone.soa.test A');
  assert.equal(upstream.asked.length, 2);
  await ask(resolve, 'gone.test A');
  await ask(resolve, 'gone.test A');
  assert.equal(upstream.asked.length, 4);
});

test('one question for all who ask at the same time', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.9', 0)] }));
  const { resolve } = forwarding([upstream]);
  const all = await Promise.all(Array.from({ length: 20 }, () => ask(resolve, 'example.test A')));
  assert.deepEqual([...new Set(all)], ['NOERROR -aa | example.test A 192.0.2.9']);
  assert.equal(upstream.asked.length, 1);
  // Its time was 0: it is not kept.
  await ask(resolve, 'example.test A');
  assert.equal(upstream.asked.length, 2);
});

test('asks again over TCP when the answer was cut, and cuts it for the client', async () => {
  const answers = Array.from({ length: 60 }, (_, i) => a('big.test', `192.0.2.${i}`));
  await using upstream = await upstreamServer((_, transport) =>
    transport === 'udp' ? { truncated: true, answers: answers.slice(0, 5) } : { answers },
  );
  const { resolve } = forwarding([upstream]);
  assert.match(await ask(resolve, 'big.test A'), /^NOERROR -aa tc \| (big.test A 192.0.2.\d+( \| )?)+$/);
  const whole = await resolve(queryBytes('big.test'), 'tcp');
  assert.equal(responseText(whole ?? new Uint8Array()).split(' | ').length, 61);
  assert.deepEqual(upstream.asked, ['big.test A udp', 'big.test A tcp']);
});

test('asks the next when one is down or unwell', async () => {
  let unwell = true;
  await using first = await upstreamServer((name) => (unwell ? { rcode: 2 } : { answers: [a(name, '192.0.2.1', 0)] }));
  await using second = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.2', 0)] }));
  const { resolve, forwarder } = forwarding([DEAD, first, second]);
  assert.equal(await ask(resolve, 'a.test A'), 'NOERROR -aa | a.test A 192.0.2.2');
  unwell = false;
  assert.equal(await ask(resolve, 'b.test A'), 'NOERROR -aa | b.test A 192.0.2.1');
  // What failed twice is asked last.
  assert.deepEqual(
    forwarder.upstreams().map(({ healthy }) => healthy),
    [false, true, true],
  );
  assert.equal(await ask(resolve, 'c.test A'), 'NOERROR -aa | c.test A 192.0.2.1');
  forwarder.close();
});

test('asks the next when one is slow, and it again when it is back', async () => {
  let silent = true;
  await using first = await upstreamServer((name) => (silent ? undefined : { answers: [a(name, '192.0.2.1', 0)] }));
  const clock = new TestClock();
  const { resolve, forwarder } = forwarding([first], { clock });
  clock.impatient = true;
  for (const name of ['a', 'b']) assert.equal(await ask(resolve, `${name}.test A`), 'SERVFAIL -aa');
  assert.equal(forwarder.upstreams()[0]?.healthy, false);
  await using second = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.2', 0)] }));
  const patience = new TestClock();
  const both = forwarding([first, second], { clock: patience });
  // Impatient with the first only.
  patience.impatient = true;
  const asked = ask(both.resolve, 'c.test A');
  patience.impatient = false;
  assert.equal(await asked, 'NOERROR -aa | c.test A 192.0.2.2');
  silent = false;
  // The probes go on until it answers one.
  await until('a probe is answered', () => forwarder.upstreams()[0]?.healthy === true);
  clock.impatient = false;
  assert.equal(await ask(resolve, 'd.test A'), 'NOERROR -aa | d.test A 192.0.2.1');
  forwarder.close();
  both.forwarder.close();
});

test('a question or an answer that is lost on the way costs half a second, and not the name', async () => {
  let lost = 1;
  await using upstream = await upstreamServer((name) => (lost-- > 0 ? undefined : { answers: [a(name, '192.0.2.9')] }));
  const clock = new ManualClock();
  const { resolve, forwarder } = forwarding([upstream], { clock });
  const asked = ask(resolve, 'example.test A');
  await until('it is asked', () => upstream.asked.length === 1);
  await clock.advance(500);
  assert.equal(await asked, 'NOERROR -aa | example.test A 192.0.2.9');
  assert.equal(upstream.asked.length, 2);
  forwarder.close();
});

test('who is silent is asked again for five seconds', async () => {
  let silent = true;
  await using upstream = await upstreamServer((name) => (silent ? undefined : { answers: [a(name, '192.0.2.9', 0)] }));
  const clock = new ManualClock();
  const { resolve, forwarder } = forwarding([upstream], { clock });
  const patient = ask(resolve, 'a.test A');
  await until('it is asked', () => upstream.asked.length === 1);
  await clock.advance(2000);
  silent = false;
  await clock.advance(500);
  assert.equal(await patient, 'NOERROR -aa | a.test A 192.0.2.9');
  silent = true;
  const before = upstream.asked.length;
  const vain = ask(resolve, 'b.test A');
  await until('it is asked', () => upstream.asked.length > before);
  await clock.advance(5900);
  assert.equal(await Promise.race([vain, Promise.resolve('waiting')]), 'waiting');
  await clock.advance(100);
  assert.equal(await vain, 'SERVFAIL -aa');
  forwarder.close();
});

test('what was cut is passed on as it is where the rest cannot be had, and not kept', async () => {
  const answers = [a('big.test', '192.0.2.1')];
  await using upstream = await upstreamServer((_, transport) =>
    transport === 'udp' ? { truncated: true, answers } : undefined,
  );
  const clock = new ManualClock();
  const { resolve, forwarder } = forwarding([upstream], { clock });
  for (const count of [1, 2]) {
    const asked = ask(resolve, 'big.test A');
    await until('it is asked over TCP', () => upstream.asked.filter((said) => said.endsWith('tcp')).length === count);
    await clock.advance(2000);
    assert.equal(await asked, 'NOERROR -aa tc | big.test A 192.0.2.1');
  }
  forwarder.close();
});

test('no more are asked at a time than may be: the others are refused', async () => {
  await using upstream = await upstreamServer(() => undefined);
  const clock = new ManualClock();
  const { resolve, forwarder } = forwarding([upstream], { clock, maxConcurrent: 1 });
  const first = ask(resolve, 'a.test A');
  assert.equal(await ask(resolve, 'b.test A'), 'REFUSED -aa');
  assert.equal(forwarder.counts.rejected, 1);
  forwarder.close();
  assert.equal(await first, 'SERVFAIL -aa');
});

test('SERVFAIL when nobody answers, or what they all say', async () => {
  await using refusing = await upstreamServer(() => ({ rcode: 5 }));
  assert.equal(await ask(forwarding([]).resolve, 'example.test A'), 'SERVFAIL -aa');
  for (const [upstreams, expected] of [
    [[DEAD], 'SERVFAIL -aa'],
    [[DEAD, refusing], 'REFUSED -aa'],
  ] as const) {
    const { resolve, forwarder } = forwarding(upstreams);
    assert.equal(await ask(resolve, 'example.test A'), expected);
    forwarder.close();
  }
});

test('gives what is over when nobody answers', async () => {
  let silent = false;
  let failing = false;
  await using upstream = await upstreamServer((name) =>
    failing ? { rcode: 2 } : silent ? undefined : { answers: [a(name, '192.0.2.9', 60)] },
  );
  const clock = new TestClock();
  const { resolve, forwarder } = forwarding([upstream], { clock });
  await ask(resolve, 'example.test A');
  silent = true;
  clock.impatient = true;
  clock.move(120_000);
  assert.equal(await withTtl(resolve, 'example.test A'), 'NOERROR -aa | example.test 30 A 192.0.2.9');
  // The upstreams have just failed: the next does not wait for them.
  assert.ok(!(resolve(queryBytes('example.test'), 'udp') instanceof Promise));
  // Nor is a failure that they report better than what was known.
  failing = true;
  clock.move(6000);
  assert.equal(await withTtl(resolve, 'example.test A'), 'NOERROR -aa | example.test 30 A 192.0.2.9');
  clock.move(3_600_000);
  assert.equal(await withTtl(resolve, 'example.test A'), 'SERVFAIL -aa');
  assert.equal(forwarder.counts.stale, 3);
  forwarder.close();
});

test('asks anew before the time of a name that is in use is over', async () => {
  let number = 1;
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, `192.0.2.${number++}`, 60)] }));
  const clock = new TestClock();
  const { resolve, forwarder } = forwarding([upstream], { clock });
  await ask(resolve, 'example.test A');
  clock.move(57_000);
  assert.equal(await withTtl(resolve, 'example.test A'), 'NOERROR -aa | example.test 3 A 192.0.2.1');
  assert.equal(await withTtl(resolve, 'example.test A'), 'NOERROR -aa | example.test 3 A 192.0.2.1');
  await until('it is asked again', () => upstream.asked.length >= 2);
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await withTtl(resolve, 'example.test A'), 'NOERROR -aa | example.test 60 A 192.0.2.2');
  assert.equal(forwarder.counts.prefetches, 1);
});

test('keeps no more than it may', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.9', 60)] }));
  const { resolve, forwarder } = forwarding([upstream], { maxBytes: 64_000 });
  for (let i = 0; i < 300; i++) await ask(resolve, `n${i}.test A`);
  const { entries, evicted } = forwarder.cache;
  assert.ok(entries.success < 100 && evicted.success > 0, `${entries.success} ${evicted.success}`);
});

test('follows aliases to the outside', async () => {
  await using upstream = await upstreamServer((name) => ({ answers: [a(name, '192.0.2.9')] }));
  const { resolve } = forwarding([upstream]);
  const alias = 'out.ns.svc.cluster.local CNAME example.org';
  assert.equal(
    await ask(resolve, 'Out.ns.svc.cluster.local A', { edns: 1232 }),
    'NOERROR | out.ns.svc.cluster.local CNAME example.org | example.org A 192.0.2.9 | + OPT 1232 0',
  );
  assert.equal(
    await ask(resolve, 'chain-out.ns.svc.cluster.local A'),
    `NOERROR | chain-out.ns.svc.cluster.local CNAME out.ns.svc.cluster.local | ${alias} | example.org A 192.0.2.9`,
  );
});

test('does without EDNS0 where a server does not know it', async () => {
  await using old = await upstreamServer((name, _, packet) =>
    (packet.additionals ?? []).length > 0 ? { rcode: 1 } : { answers: [a(name, '192.0.2.9', 0)] },
  );
  const { resolve } = forwarding([old]);
  assert.equal(await ask(resolve, 'a.test A'), 'NOERROR -aa | a.test A 192.0.2.9');
  assert.equal(await ask(resolve, 'b.test A'), 'NOERROR -aa | b.test A 192.0.2.9');
  assert.deepEqual(old.asked, ['a.test A udp', 'a.test A udp', 'b.test A udp']);
});

test('takes no answer to another question', async () => {
  await using liar = await upstreamServer(() => Buffer.from('000181800001000000000000016100000100010000', 'hex'));
  const clock = new TestClock();
  clock.impatient = true;
  const { resolve, forwarder } = forwarding([liar], { clock });
  assert.equal(await ask(resolve, 'example.test A'), 'SERVFAIL -aa');
  forwarder.close();
});

test('does not ask who asks us', async () => {
  let resolveOwn: Resolve | undefined;
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let received = 0;
  socket.on('message', (bytes, peer) => {
    received++;
    void Promise.resolve(resolveOwn?.(bytes, 'udp')).then((answer) => {
      if (answer !== undefined) socket.send(answer, peer.port, peer.address);
    });
  });
  const { resolve, forwarder } = forwarding([`127.0.0.1:${socket.address().port}`]);
  resolveOwn = resolve;
  assert.equal(await ask(resolve, 'example.test A'), 'SERVFAIL -aa');
  assert.equal(forwarder.upstreams()[0]?.looping, true);
  const before = received;
  assert.equal(await ask(resolve, 'other.test A'), 'SERVFAIL -aa');
  assert.equal(received, before);
  assert.ok(received < 5, `${received} questions went round`);
  forwarder.close();
  socket.close();
});
