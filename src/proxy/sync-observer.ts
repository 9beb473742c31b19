import type { EndpointSlice, Service } from '#api/generated/types.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Traffic } from './local-gaps.ts';

/** `full`: everything was compared with the kernel; `partial`: only what changed was written. */
export type SyncKind = 'full' | 'partial';

/** What a change tells of: when it happened, in milliseconds since 1970, as the endpoint controller says. */
export interface Trigger {
  readonly family: IpFamily;
  readonly at: number;
}

/** Told of the proxy's work, for metrics and health. Must not throw. */
export interface SyncObserver {
  /** Before all else: what can be asked at any time. */
  watch(figures: ProxyFigures): void;
  changed(what: 'service' | 'endpoint', trigger?: Trigger): void;
  synced(family: IpFamily, kind: SyncKind, ms: number): void;
  /** All that was noted is in the kernel. */
  settled(): void;
  /** The kernel refused a transaction. */
  failed(family: IpFamily, kind: SyncKind): void;
  /** The connection table was searched for flows that the rules contradict, and some were deleted. */
  flowsReconciled(family: IpFamily, ms: number, deleted: number): void;
}

/** How the proxy stands. */
export interface ProxyFigures {
  /** Ports of Services that a policy Local leaves without an endpoint here, though there are some. */
  noLocalEndpoints(family: IpFamily, traffic: Traffic): number;
  rules(family: IpFamily): RuleFigures;
}

/** One family's rules; of either mode only what it has. */
export interface RuleFigures {
  /** Rules of iptables that are there, and that the last sync wrote. */
  readonly iptables?: Readonly<Record<CountedTable, { readonly total: number; readonly last: number }>> | undefined;
  /** Packets that rules of iptables counted; of all families together. */
  readonly packets?: PacketCounts | undefined;
  /** How often chains of nftables that nothing leads to any more could not be deleted. */
  readonly cleanupFailures?: number | undefined;
}

export interface PacketCounts {
  /** They belonged to no connection. */
  readonly invalidDropped: number;
  /** First packets to NodePorts at 127.0.0.1. */
  readonly localhostAccepted: number;
}

export type CountedTable = 'filter' | 'nat';

/** On slices, by the controller that writes them: when the Pod or the Service changed that the slice tells of. */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

/** undefined where that was before `since`, in milliseconds since 1970, as we came: it would count as our delay. */
export function triggerOf(object: Service | EndpointSlice, since: number): Trigger | undefined {
  if (object.kind !== 'EndpointSlice') return undefined;
  const at = Date.parse(object.metadata.annotations?.[TRIGGER_TIME] ?? '');
  // The annotation has whole seconds.
  return at >= since - 1000 ? { at, family: object.addressType === 'IPv6' ? 6 : 4 } : undefined;
}
