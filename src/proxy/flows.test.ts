import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IPPROTO_UDP, type ConntrackEntry, type ConntrackTuple } from '#netlink/conntrack.ts';
import { flowsToDelete, type StaleFlows } from './flows.ts';
import { ip } from './testing/network.ts';

const CLIENT = '10.244.0.9:4000';

/** `10.96.0.10:53 -> 10.244.0.5:5353`: where it was sent, and who answers. */
function entry(text: string): ConntrackEntry {
  const [to = '', from = ''] = text.split(' -> ');
  const tuple = (source: string, destination: string): ConntrackTuple => {
    const [[sourceIp, sourcePort], [destinationIp, destinationPort]] = [parts(source), parts(destination)];
    return {
      protocol: IPPROTO_UDP,
      source: ip(sourceIp),
      destination: ip(destinationIp),
      sourcePort,
      destinationPort,
    };
  };
  const rest = { kind: 'conntrack', status: 0, mark: 0, zone: 0, id: 1, timeout: 30 } as const;
  return { ...rest, original: tuple(CLIENT, to), reply: tuple(from, CLIENT) };
}

function parts(text: string): readonly [string, number] {
  const [address = '', port] = text.split(':');
  return [address, Number(port)];
}

function stale(address: string, port: number, backends: readonly string[], isNew: boolean = false): StaleFlows {
  return {
    address,
    protocol: 'udp',
    port,
    isNew,
    backends: backends.map((one) => ({ address: one, port: 5353, isLocal: false })),
  };
}

test('flowsToDelete() takes of many frontends those flows whose answer would come from where it no longer may', () => {
  const flows = [
    stale('10.96.0.10', 53, ['10.244.0.5']),
    // Two lists of backends are at one address.
    stale('203.0.113.5', 53, ['10.244.0.5']),
    stale('203.0.113.5', 53, ['10.244.0.6'], true),
    stale('0.0.0.0', 30_053, ['10.244.0.7'], true),
  ];
  const gone = [
    '10.96.0.10:53 -> 10.244.0.5:5353',
    '203.0.113.5:53 -> 10.244.0.5:5353',
    '203.0.113.5:53 -> 10.244.0.6:5353',
    '203.0.113.5:53 -> 203.0.113.5:53',
    '172.18.0.2:30053 -> 10.244.0.7:5353',
    '127.0.0.1:30053 -> 127.0.0.1:30053',
  ].map(entry);
  const living = [
    '10.96.0.10:53 -> 10.244.0.6:5353',
    '10.96.0.10:53 -> 10.96.0.10:53',
    '10.96.0.10:54 -> 10.244.0.5:5353',
    '10.96.0.11:53 -> 10.244.0.5:5353',
    '203.0.113.5:53 -> 10.244.0.5:5354',
    '172.18.0.2:30053 -> 10.244.0.8:5353',
    '10.244.0.5:5353 -> 10.244.0.5:5353',
  ].map(entry);
  assert.deepEqual(
    flowsToDelete(flows, gone.flatMap((one, i) => [one, living[i] ?? one]).concat(living.slice(gone.length))),
    gone,
  );
});
