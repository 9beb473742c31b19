import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api/generated/types.ts';
import { type MachineFacts, type NodeIdentity, nodeLabels, nodeStatus, unsettledResources } from './node-status.ts';

const machine: MachineFacts = {
  cpus: 2,
  memoryKiB: 4096,
  diskKiB: 1000,
  info: {
    architecture: 'amd64',
    bootID: 'b',
    kernelVersion: '6.1',
    machineID: 'm',
    osImage: 'Debian',
    systemUUID: 'm',
  },
  hosts: '',
  resolvConf: { nameservers: [], searches: [], options: [] },
};

const identity: NodeIdentity = {
  name: 'node-1',
  addresses: ['172.18.0.2'],
  podCidrs: ['10.244.0.0/24'],
  maxPods: 250,
  labels: { zone: 'a' },
  kubernetesVersion: 'v1.34.2',
  runtimeVersion: 'clusterip://0.1.0',
};

test('nodeLabels() says what the machine is', () => {
  assert.deepEqual(nodeLabels(identity, machine), {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': 'node-1',
    'kubernetes.io/os': 'linux',
    zone: 'a',
  });
});

test('nodeStatus() reports a healthy node and keeps the times of conditions that stay', () => {
  const conditions = [
    { type: 'Ready', status: 'True', lastTransitionTime: 'before' },
    { type: 'DiskPressure', status: 'True', lastTransitionTime: 'before' },
  ];
  const status = nodeStatus(identity, machine, 0, { status: { conditions } } as unknown as Node);
  const lines = status.conditions?.map(({ type, status: value, reason, lastTransitionTime }) =>
    [type, value, reason, lastTransitionTime].join(' '),
  );
  assert.deepEqual(lines, [
    'MemoryPressure False KubeletHasSufficientMemory 1970-01-01T00:00:00Z',
    'DiskPressure False KubeletHasNoDiskPressure 1970-01-01T00:00:00Z',
    'PIDPressure False KubeletHasSufficientPID 1970-01-01T00:00:00Z',
    'Ready True KubeletReady before',
  ]);
  assert.deepEqual(status.capacity, { cpu: '2', 'ephemeral-storage': '1000Ki', memory: '4096Ki', pods: '250' });
  assert.deepEqual(status.addresses, [
    { type: 'InternalIP', address: '172.18.0.2' },
    { type: 'Hostname', address: 'node-1' },
  ]);
});

test('nodeStatus() has what others say that the node has, and lets Pods have it', () => {
  const old = {
    status: { capacity: { cpu: '99', 'example.com/dongle': '4' }, allocatable: { cpu: '99' } },
  } as unknown as Node;
  const { capacity, allocatable } = nodeStatus(identity, machine, 0, old);
  assert.deepEqual(
    [capacity?.['example.com/dongle'], allocatable?.['example.com/dongle'], capacity?.['cpu']],
    ['4', '4', '2'],
  );
  assert.deepEqual(unsettledResources(old), ['example.com/dongle']);
});
