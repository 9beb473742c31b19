/**
 * A search path that the server walks is that of the Pod which has the address now: an address goes from a Pod of one
 * namespace to a Pod of another, and each finds the Services of its own, from its first question on.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const [{ mode, skip } = { mode: 'rootless', skip: 'nobody to run it as' } as const] = modes().toReversed();

const ADDRESSES = { one: '10.96.7.1', two: '10.96.7.2' } as const;
type Namespace = keyof typeof ADDRESSES;

function service(namespace: Namespace): object {
  const spec = { clusterIP: ADDRESSES[namespace], ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace }, spec };
}

const GATE = 'test.example.com/address';

/** Its program asks before anything else. A gated one waits, so that it can be given an address. */
function pod(name: string, namespace: Namespace, gated: boolean): object {
  const command = ['sh', '-c', 'getent ahosts web | cut -d" " -f1 | sort -u > /tmp/first; exec sleep infinity'];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      terminationGracePeriodSeconds: 0,
      schedulingGates: gated ? [{ name: GATE }] : [],
      containers: [{ name: 'client', image: 'host', command }],
    },
  };
}

const tools = has('getent') && has('dig') ? false : 'getent and dig are needed';

test('the search path goes with the Pod, not with the address', { skip: skip || tools, timeout: 120_000 }, async () => {
  await using cluster = await TestCluster.start({ mode, args: ['--dns-autopath=on'] });
  const apply = (...items: readonly object[]): Promise<string> =>
    cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const namespace = (name: string): object => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const inPod = (name: string, of: Namespace, script: string): Promise<string> =>
    cluster.kubectl('exec', '-n', of, name, '--', 'sh', '-c', script);
  const started = async (name: string, of: Namespace): Promise<string> => {
    await cluster.kubectl('wait', '-n', of, '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
    assert.equal(await inPod(name, of, 'cat /tmp/first'), `${ADDRESSES[of]}\n`, name);
    return cluster.jsonpath('{.status.podIP}', 'pod', '-n', of, name);
  };
  /** What the server says to the first step of a walk, of a Pod of either namespace; DNS hears of addresses a moment later. */
  const walksFor = async (name: string, of: Namespace, expected: Namespace | 'nobody'): Promise<void> => {
    const wanted = `one${expected === 'one' ? ' 10.96.0.10' : ''}\ntwo${expected === 'two' ? ' 10.96.0.10' : ''}\n`;
    const ask =
      'for n in one two; do echo $n $(dig +short kube-dns.kube-system.$n.svc.cluster.local | tail -n 1); done';
    let answers = '';
    for (let tries = 0; answers !== wanted && tries < 50; tries++) {
      if (tries > 0) await setTimeout(100);
      answers = await inPod(name, of, ask);
    }
    assert.equal(answers, wanted, `${name} of ${of}`);
  };

  await apply(namespace('one'), namespace('two'), service('one'), service('two'));
  await apply(pod('first', 'one', false));
  const address = await started('first', 'one');
  await walksFor('first', 'one', 'one');

  for (const [before, its, name, of] of [
    ['first', 'one', 'second', 'two'],
    ['second', 'two', 'third', 'one'],
  ] as const) {
    await apply(pod(name, of, true));
    const status = JSON.stringify({ status: { podIP: address, podIPs: [{ ip: address }] } });
    await cluster.kubectl('patch', 'pod', '-n', of, name, '--subresource=status', '--type=merge', '-p', status);
    // Both say that it is theirs: who asks walks by itself then, and finds the same.
    await walksFor(before, its, 'nobody');
    assert.equal(await inPod(before, its, 'getent ahosts web | cut -d" " -f1 | sort -u'), `${ADDRESSES[its]}\n`);
    await cluster.kubectl('delete', 'pod', '-n', its, before, '--wait=true');
    await cluster.kubectl('patch', 'pod', '-n', of, name, '--type=merge', '-p', '{"spec":{"schedulingGates":[]}}');
    assert.equal(await started(name, of), address, 'the address of the one before');
    await walksFor(name, of, of);
  }
});
