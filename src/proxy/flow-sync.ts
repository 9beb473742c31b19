import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import { IPPROTO_UDP, type ConntrackEntry } from '#netlink/conntrack.ts';
import type { ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { flowFilter, flowsToDelete, misledFlows, type StaleFlows } from './flows.ts';
import type { Frontend } from './frontend.ts';
import type { SyncObserver } from './sync-observer.ts';

export interface FlowCleanerOptions {
  /** Opened in the network namespace of the node; absent, and flows to endpoints that are gone are left to time out. */
  readonly conntrack?: ConntrackSocket | undefined;
  readonly observer?: SyncObserver | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Each walks through the whole table, in the kernel: of more than this one does, which brings all of it. */
const MAX_LISTS = 8;

/** Ends UDP flows that the rules contradict. The rules are right without that: only flows that exist go on to nowhere. */
export class FlowCleaner {
  readonly #options: FlowCleanerOptions;

  constructor(options: FlowCleanerOptions) {
    this.#options = options;
  }

  /** Those that a change of the rules left behind. */
  deleteStale(family: IpFamily, flows: readonly StaleFlows[]): void {
    if (flows.length === 0) return;
    this.#reconcile(family, (conntrack) => {
      const filters = flows.length > MAX_LISTS ? [{ protocol: IPPROTO_UDP }] : flows.map(flowFilter);
      return flowsToDelete(
        flows,
        filters.flatMap((filter) => conntrack.list(family, filter)),
      );
    });
  }

  /** Nobody knows what changed since the last rules: the connection table itself has to say. */
  deleteMisled(family: IpFamily, frontends: readonly Frontend[]): void {
    if (!frontends.some(({ protocol }) => protocol === 'udp')) return;
    this.#reconcile(family, (conntrack) => misledFlows(frontends, conntrack.list(family, { protocol: IPPROTO_UDP })));
  }

  #reconcile(family: IpFamily, find: (conntrack: ConntrackSocket) => readonly ConntrackEntry[]): void {
    const { conntrack, observer, clock, log } = this.#options;
    if (conntrack === undefined) return;
    const began = clock.monotonic();
    try {
      const deleted = conntrack.delete(find(conntrack));
      observer?.flowsReconciled(family, clock.monotonic() - began, deleted);
    } catch (error) {
      log.warn('stale flows not deleted', { family, error: errorMessage(error) });
    }
  }
}
