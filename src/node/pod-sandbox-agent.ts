import { CodedError, errorMessage } from '#base/errors.ts';
import type { Pod } from '#api/generated/types.ts';
import { inNetns } from '#netlink/namespace.ts';
import { writeSysctl } from '#netlink/sysctl.ts';
import { openHostPorts } from './host-port-agent.ts';
import { connectPod } from './network-sync.ts';
import { type NodeContext, podDirectory } from './node-context.ts';
import type { PodFacts } from './pod/field-value.ts';
import { hostnameOf, podDomainOf } from './pod/host-name.ts';
import { hostNetworkHostsFile, hostsFile } from './pod/hosts-file.ts';
import { resolvConf } from './pod/resolv-conf.ts';
import { sysctlsOf } from './pod/sysctl-policy.ts';
import type { PodSandbox, PodSandboxSpec } from './sandbox/pod-sandbox-sync.ts';
import type { PodRegistration } from './sandbox/runtime-agent.ts';

export interface MadeSandbox {
  readonly sandbox: PodSandbox;
  /** One a family, the primary family first. */
  readonly podIps: readonly string[];
  readonly facts: PodFacts;
}

/** Something that a Pod needs cannot be had now; it waits. `code` is the reason of the event that says so. */
export class PreparationError extends CodedError {
  declare readonly code: 'FailedMount' | 'FailedCreatePodSandBox';

  constructor(code: PreparationError['code'], message: string) {
    super(code, message);
    this.name = 'PreparationError';
  }
}

/** What a kubelet says of a volume that cannot be made. */
export function setUpError(volume: string, reason: string): PreparationError {
  return new PreparationError(
    'FailedMount',
    `MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${reason}`,
  );
}

export function createPodSandbox(node: NodeContext, pod: Pod): MadeSandbox {
  try {
    return create(node, pod);
  } catch (error) {
    throw new PreparationError('FailedCreatePodSandBox', `Failed to create pod sandbox: ${errorMessage(error)}`);
  }
}

export function registrationOf({ metadata, spec }: Pod): PodRegistration {
  const mainContainer = spec.containers[0]?.name ?? '';
  const nodeName = spec.nodeName ?? '';
  return {
    namespace: metadata.namespace ?? 'default',
    pod: metadata.name,
    podUid: metadata.uid,
    mainContainer,
    nodeName,
  };
}

function create(node: NodeContext, pod: Pod): MadeSandbox {
  const { runtime, network, nodeName, nodeAddresses, podCidrs, loadBalancerCidrs, machine } = node;
  // Without privilege root of a container is nobody else's root anyway.
  if (pod.spec.hostUsers === false && !runtime.thread.rootless) {
    throw new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces");
  }
  const { uid } = pod.metadata;
  const hostNetwork = pod.spec.hostNetwork === true;
  const podIps = hostNetwork ? nodeAddresses : allocate(node, pod);
  const wiring = { podUid: uid, podIps, podCidrs, nodeAddresses, loadBalancerCidrs };
  const wire = hostNetwork ? undefined : connectPod(network, wiring);
  const hostname = hostNetwork ? nodeName : hostnameOf(pod);
  let ports: Disposable | undefined;
  try {
    applySysctls(pod, wire?.fd);
    ports = hostNetwork ? undefined : openHostPorts(network.fd, nodeAddresses, pod, podIps, node.clock);
    const sandbox = runtime.createSandbox(registrationOf(pod), {
      podUid: uid,
      hostname,
      directory: podDirectory(node, uid),
      etc: { hosts: hostsOf(node, pod, podIps), hostname: `${hostname}\n`, resolvConf: resolvConfOf(node, pod) },
      netFd: wire?.fd ?? network.fd,
      wire,
      hostPorts: ports,
      processes: processesOf(pod),
      hostIpc: pod.spec.hostIPC ?? false,
      ipcSysctls: sysctlsOf(pod, 'ipc'),
    });
    const allocatable = {
      cpu: String(machine.cpus),
      'ephemeral-storage': `${machine.diskKiB}Ki`,
      memory: `${machine.memoryKiB}Ki`,
      // No container can have more than its Pod.
      ...pod.spec.resources?.limits,
    };
    return { sandbox, podIps, facts: { nodeName, hostIps: nodeAddresses, podIps, allocatable } };
  } catch (error) {
    ports?.[Symbol.dispose]();
    wire?.[Symbol.dispose]();
    throw error;
  }
}

function processesOf({ spec }: Pod): PodSandboxSpec['processes'] {
  if (spec.hostPID === true) return 'host';
  return spec.shareProcessNamespace === true ? 'pod' : 'container';
}

/** The addresses that its status states, where they are free. */
function allocate({ pools }: NodeContext, { metadata, status }: Pod): readonly string[] {
  const before = (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
  return pools.map((pool) =>
    pool.allocate(
      metadata.uid,
      before.find((ip) => pool.contains(ip)),
    ),
  );
}

/** Of its network, unless that is the node's: such a Pod is not let in. */
function applySysctls(pod: Pod, netFd: number | undefined): void {
  if (netFd === undefined) return;
  for (const { name, value } of sysctlsOf(pod, 'network')) inNetns(netFd, () => writeSysctl(name, value));
}

function hostsOf({ machine, clusterDomain }: NodeContext, pod: Pod, podIps: readonly string[]): string {
  const { hostAliases = [], hostNetwork } = pod.spec;
  if (hostNetwork === true) return hostNetworkHostsFile(machine.hosts, hostAliases);
  const domain = podDomainOf(pod, clusterDomain);
  return hostsFile({ hostname: hostnameOf(pod), domain, podIps, aliases: hostAliases });
}

function resolvConfOf({ clusterDns, clusterDomain, machine, events }: NodeContext, pod: Pod): string {
  const { dnsPolicy, hostNetwork, dnsConfig } = pod.spec;
  const { text, warnings } = resolvConf({
    namespace: pod.metadata.namespace ?? 'default',
    policy: dnsPolicy,
    hostNetwork: hostNetwork === true,
    config: dnsConfig,
    clusterDns,
    clusterDomain,
    machine: machine.resolvConf,
  });
  for (const warning of warnings) events.record(pod, 'Warning', 'DNSConfigForming', warning);
  return text;
}
