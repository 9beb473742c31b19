import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import type { Container } from '#api/generated/types.ts';
import { ProbeAgent } from './probe-agent.ts';
import { type ProbeKind, probeSpec } from './probe-spec.ts';

const container: Container = { name: 'c', ports: [{ name: 'web', containerPort: 8080 }] };

test('probeSpec() fills in the defaults and finds named ports', () => {
  assert.deepEqual(probeSpec('liveness', { httpGet: { port: 'web' } }, container, '10.244.0.2'), {
    kind: 'liveness',
    target: { kind: 'http', tls: false, host: '10.244.0.2', port: 8080, path: '/', headers: [] },
    delayMs: 0,
    periodMs: 10_000,
    timeoutMs: 1000,
    successes: 1,
    failures: 3,
  });
  const targets = [
    { tcpSocket: { port: 'none' } },
    { tcpSocket: { port: '90', host: 'h' } },
    { exec: { command: ['true'] } },
    { grpc: { port: 5 } },
    {},
  ].map((probe) => JSON.stringify(probeSpec('startup', probe, container, 'ip')?.target));
  assert.deepEqual(targets, [
    '{"kind":"tcp","host":"ip","port":0}',
    '{"kind":"tcp","host":"h","port":90}',
    '{"kind":"exec","command":["true"]}',
    '{"kind":"grpc","host":"ip","port":5,"service":""}',
    undefined,
  ]);
});

/** Runs a probe whose attempts end as `results` say, the last one for ever, and writes down when what happened. */
async function run(kind: ProbeKind, results: string, seconds: number, delay: number = 0): Promise<string> {
  const clock = new ManualClock(0);
  const spec = probeSpec(
    kind,
    { tcpSocket: { port: 1 }, periodSeconds: 1, failureThreshold: 2, initialDelaySeconds: delay },
    container,
    'ip',
  );
  assert.ok(spec);
  const happened: string[] = [];
  let attempts = 0;
  const agent = new ProbeAgent(spec, {
    clock,
    attempt: () => {
      const result = results[Math.min(attempts++, results.length - 1)];
      if (result === '?') return new Promise(() => {});
      if (result === '!') return Promise.resolve({ ok: false, errored: true, message: 'none' });
      return Promise.resolve(result === '+' ? { ok: true } : { ok: false, message: 'no' });
    },
    onVerdict: (ok) => happened.push(`${clock.now()}:${ok ? 'ok' : 'bad'}`),
    onErrored: (message) => happened.push(`${clock.now()}:${message}`),
    onWarning: assert.fail,
    onFailure: (message) => happened.push(`${clock.now()}:${message}`),
  });
  await clock.advance(seconds * 1000);
  agent[Symbol.dispose]();
  const before = attempts;
  await clock.advance(10_000);
  assert.equal(attempts, before, 'a probe went on after it was disposed');
  return happened.join(' ');
}

const cases: readonly [kind: ProbeKind, results: string, happened: string][] = [
  ['readiness', '+', '0:ok'],
  // Extra attempts after 50, 100, 200, 400 and 800 ms until the first success; their failures do not count.
  ['readiness', '---+', '350:ok'],
  ['readiness', '-', '1550:no 2550:no 2550:bad 3550:no 4550:no'],
  ['readiness', '+--+', '0:ok 1000:no 2000:no 2000:bad 3000:ok'],
  ['readiness', '+-+-+', '0:ok 1000:no 3000:no'],
  ['liveness', '-', '0:no 1000:no 1000:bad 2000:no 3000:no 4000:no'],
  ['liveness', '+--', '0:ok 1000:no 2000:no 2000:bad 3000:no 4000:no'],
  ['liveness', '!!!-', '0:none 1000:none 2000:none 3000:no 4000:no 4000:bad'],
  ['startup', '-+', '50:ok'],
  ['liveness', '?', '1100:timed out after 1s 3200:timed out after 1s 3200:bad'],
];
for (const [kind, results, happened] of cases) {
  test(`ProbeAgent ${kind} with attempts ${results}`, async () => {
    const text = await run(kind, results, 4.6);
    assert.equal(text, happened);
  });
}

test('ProbeAgent waits for its initial delay', async () => {
  assert.equal(await run('readiness', '+', 5, 3), '3000:ok');
});
