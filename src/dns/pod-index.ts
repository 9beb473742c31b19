import type { Pod } from '#api/generated/types.ts';
import { type Address, parseAddress } from './address.ts';
import type { PodAddresses } from './pod-name.ts';

export interface PodEntry {
  readonly uid: string;
  readonly namespace: string;
  /** It is about to give its addresses back. */
  readonly leaving: boolean;
  /** What its dnsConfig adds to the search path; undefined where the path is not the cluster's. */
  readonly search: readonly string[] | undefined;
  readonly addresses: readonly Address[];
}

/** Pods by their addresses, for as long as they have them: a Pod that is over has none, though its status may say so. */
export class PodIndex implements PodAddresses {
  readonly #byUid = new Map<string, PodEntry>();
  readonly #byAddress = new Map<Address, readonly PodEntry[]>();

  get size(): number {
    return this.#byUid.size;
  }

  setPod(pod: Pod): void {
    this.removePod(pod);
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') return;
    const entry = entryOf(pod);
    if (entry.addresses.length === 0) return;
    this.#byUid.set(entry.uid, entry);
    for (const address of entry.addresses) {
      this.#byAddress.set(address, [...(this.#byAddress.get(address) ?? []), entry]);
    }
  }

  removePod(pod: Pod): void {
    const entry = this.#byUid.get(pod.metadata.uid);
    if (entry === undefined) return;
    this.#byUid.delete(entry.uid);
    for (const address of entry.addresses) {
      const rest = (this.#byAddress.get(address) ?? []).filter((other) => other !== entry);
      if (rest.length === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, rest);
    }
  }

  hasPod(address: Address, namespace: string): boolean {
    return (this.#byAddress.get(address) ?? []).some((entry) => entry.namespace === namespace);
  }

  /**
   * Who is behind an address. While it changes hands two Pods may claim it: then the one that stays has it, and where
   * that is not clear nobody does, since a wrong namespace would give answers for somebody else.
   */
  podAt(address: Address): PodEntry | undefined {
    const entries = this.#byAddress.get(address) ?? [];
    const staying = entries.filter(({ leaving }) => !leaving);
    const candidates = staying.length > 0 ? staying : entries;
    return candidates.length === 1 ? candidates[0] : undefined;
  }
}

function entryOf({ metadata, spec, status }: Pod): PodEntry {
  const texts = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP ?? ''];
  const clusterFirst = (spec?.dnsPolicy ?? 'ClusterFirst') === 'ClusterFirst' && spec?.hostNetwork !== true;
  return {
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
    leaving: metadata.deletionTimestamp !== undefined,
    search: clusterFirst ? (spec?.dnsConfig?.searches ?? []) : undefined,
    addresses: texts.flatMap((text) => parseAddress(text ?? '') ?? []),
  };
}
