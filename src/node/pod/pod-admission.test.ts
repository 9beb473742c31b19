import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodSpec } from '#api/generated/types.ts';
import { demandOf } from '#api/pod/demand.ts';
import { admissionRefusal } from './pod-admission.ts';

const node = {
  metadata: { name: 'node-1', labels: { 'kubernetes.io/os': 'linux', disk: 'ssd' } },
  spec: {
    taints: [
      { key: 'gone', effect: 'NoExecute' },
      { key: 'later', effect: 'NoSchedule' },
    ],
  },
  status: { allocatable: { cpu: '2', memory: '1Gi', 'ephemeral-storage': '1Gi', pods: '3', 'example.com/gpu': '1' } },
} as unknown as Node;

const tolerations = [{ key: 'gone', operator: 'Exists' }];

function pod(requests: Readonly<Record<string, string>>, spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: { name: 'p' },
    spec: { tolerations, containers: [{ name: 'c', image: 'host', resources: { requests } }], ...spec },
  } as unknown as Pod;
}

const port = (hostPort: number, more: object = {}): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'host', ports: [{ containerPort: 80, hostPort, ...more }] }],
});

const present = [
  pod({ cpu: '500m', memory: '256Mi' }),
  pod(
    {},
    { ...port(8080), initContainers: [{ name: 's', restartPolicy: 'Always', ports: [{ hostPort: 9090 }] }] as never },
  ),
].map(demandOf);

function sysctls(...names: readonly string[]): Partial<PodSpec> {
  return { securityContext: { sysctls: names.map((name) => ({ name, value: '1' })) } };
}

const cases: readonly { readonly name: string; readonly pod: Pod; readonly text: string }[] = [
  {
    name: 'a Pod that fits',
    pod: pod({ cpu: '1500m', memory: '768Mi', 'ephemeral-storage': '1Gi' }),
    text: 'admitted',
  },
  {
    name: 'too much CPU, and of the rest',
    pod: pod({ cpu: '1501m', memory: '2Gi' }),
    text: "OutOfcpu Node didn't have enough resource: cpu, requested: 1501, used: 500, capacity: 2000",
  },
  {
    name: 'too much memory',
    pod: pod({ memory: '1Gi' }),
    text:
      "OutOfmemory Node didn't have enough resource: memory, " +
      'requested: 1073741824, used: 268435456, capacity: 1073741824',
  },
  {
    name: 'too much of what the node has of its own',
    pod: pod({ 'example.com/gpu': '2' }),
    text: "OutOfexample.com/gpu Node didn't have enough resource: example.com/gpu, requested: 2, used: 0, capacity: 1",
  },
  { name: 'what the node does not know', pod: pod({ 'example.com/fpga': '2' }), text: 'admitted' },
  {
    name: 'a selector for other nodes',
    pod: pod({}, { nodeSelector: { disk: 'tape' } }),
    text: "NodeAffinity Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  },
  {
    name: 'a taint that it does not tolerate',
    pod: pod({}, { tolerations: [] }),
    text: "TaintToleration Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
  },
  {
    name: 'a selector for nodes of another system',
    pod: pod({}, { nodeSelector: { 'kubernetes.io/os': 'windows' } }),
    text: "NodeAffinity Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  },
  { name: 'a free port of the node', pod: pod({}, port(8081)), text: 'admitted' },
  { name: 'the same port of another protocol', pod: pod({}, port(8080, { protocol: 'UDP' })), text: 'admitted' },
  {
    name: 'a port of the node that another Pod has',
    pod: pod({}, port(8080, { hostIP: '127.0.0.1' })),
    text: "NodePorts Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  },
  {
    name: "a port of the node that another Pod's sidecar has",
    pod: pod({}, port(9090)),
    text: "NodePorts Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  },
  {
    name: 'huge pages of a size that the node has none of',
    pod: pod({ 'ephemeral-storage': '1Gi', 'hugepages-2Mi': '2Mi' }),
    text:
      "OutOfhugepages-2Mi Node didn't have enough resource: hugepages-2Mi, " +
      'requested: 2097152, used: 0, capacity: 0',
  },
  {
    name: 'safe settings of the kernel',
    pod: pod({}, sysctls('kernel.shm_rmid_forced', 'net/ipv4/tcp_rmem')),
    text: 'admitted',
  },
  {
    name: 'a setting of the kernel that others feel',
    pod: pod({}, sysctls('net.ipv4.tcp_rmem', 'kernel.msgmax')),
    text: 'SysctlForbidden forbidden sysctl: "kernel.msgmax" not allowlisted',
  },
  {
    name: "a setting of the node's network",
    pod: pod({}, { hostNetwork: true, ...sysctls('net.ipv4.tcp_rmem') }),
    text: 'SysctlForbidden forbidden sysctl: "net.ipv4.tcp_rmem" not allowed with host Net enabled',
  },
  {
    name: 'the label of another system',
    pod: { ...pod({}), metadata: { name: 'p', labels: { 'kubernetes.io/os': 'windows' } } } as unknown as Pod,
    text:
      'PodOSSelectorNodeLabelDoesNotMatch ' +
      "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
  },
  {
    name: 'a field of another system',
    pod: pod({}, { os: { name: 'windows' } }),
    text: "PodOSNotSupported Failed to admit pod as the OS field doesn't match node OS",
  },
  {
    name: 'a profile of AppArmor',
    pod: pod({}, { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'mine' } } }),
    text: 'AppArmor Cannot enforce AppArmor: AppArmor is not enabled on the host',
  },
];

for (const { name, pod, text } of cases) {
  test(`admissionRefusal() with ${name}`, () => {
    const refusal = admissionRefusal(pod, node, present);
    assert.equal(refusal === undefined ? 'admitted' : `${refusal.reason} ${refusal.message}`, text);
  });
}

test('admissionRefusal() with a full node', () => {
  const refusal = admissionRefusal(pod({}), node, [...present, demandOf(pod({}))]);
  assert.deepEqual(refusal, {
    reason: 'OutOfpods',
    message: "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
  });
});
