import type { Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { Pod, Service } from '#api/generated/types.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import type { AddressPool } from './address-pool.ts';
import type { ImageStore } from './image/image-store-agent.ts';
import type { NetworkNamespace } from './network-sync.ts';
import type { MachineFacts } from './node-status.ts';
import type { SandboxRuntime } from './sandbox/runtime-agent.ts';

/** What everything that happens on one node shares. */
export interface NodeContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly services: Informer<Service>;
  readonly runtime: SandboxRuntime;
  readonly network: NetworkNamespace;
  /** One a family, as all lists here: the primary family first. */
  readonly pools: readonly AddressPool[];
  readonly images: ImageStore;
  readonly nodeName: string;
  readonly nodeAddresses: readonly string[];
  readonly podCidrs: readonly Cidr[];
  readonly loadBalancerCidrs: readonly Cidr[];
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** This node's own; `pods` below it is emptied at the start. */
  readonly stateDir: string;
  /** Hidden from Pods. Real paths. */
  readonly maskedPaths: readonly string[];
  readonly machine: MachineFacts;
}

export function podDirectory(context: Pick<NodeContext, 'stateDir'>, podUid: string): string {
  return `${context.stateDir}/pods/${podUid}`;
}

/** Of a volume that is the Pod's own. */
export function volumeDirectory(directoryOfPod: string, name: string): string {
  return `${directoryOfPod}/volumes/${name}`;
}

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function refOf({ metadata: { namespace = 'default', name, uid } }: Pod): PodRef {
  return { namespace, name, uid };
}

/** Kept beyond the end of this process, as long as the Pod is in the API. */
export function logDirectory(context: Pick<NodeContext, 'stateDir'>, pod: PodRef): string {
  return `${context.stateDir}/logs/${pod.namespace}_${pod.name}_${pod.uid}`;
}

export function logPath(directory: string, container: string, attempt: number): string {
  return `${directory}/${container}/${attempt}.log`;
}
