import { hash } from 'node:crypto';
import type { Pod } from '#api/generated/types.ts';
import type { Held } from '#client/change-order.ts';
import type { Listing, ReflectorStore } from '#client/reflector.ts';
import { type Address, addressBits, parseAddress } from './address.ts';
import { NumberIndex } from './number-index.ts';
import type { PodAddresses } from './pod-name.ts';
import { revisionOf } from './service-entry.ts';
import { TextNumbers } from './text-numbers.ts';

/** Who is behind an address. */
export interface PodEntry {
  readonly namespace: string;
  /** What its dnsConfig adds to the search path; undefined where the path is not the cluster's. */
  readonly search: readonly string[] | undefined;
}

/** It is about to give its addresses back. */
const LEAVING = 1;
/** Its search path is the cluster's. */
const CLUSTER_FIRST = 2;
/** It was not seen yet by the list that goes on. */
const UNSEEN = 4;
const START_ROWS = 64;

/**
 * Pods by their addresses, for as long as they have them: a Pod that is over has none, though its status may say so. There may
 * be 100,000, of which hardly one is ever asked for: so each is a row of numbers, of 50 bytes, and no object. A Pod has at most
 * one address of each family.
 */
export class PodIndex implements PodAddresses, ReflectorStore<Pod> {
  /** Pods without an address are not. */
  readonly holdsAll = false;
  readonly #byUid = new NumberIndex();
  readonly #byAddress = new NumberIndex();
  /** 16 bytes of it a row: all of a UUID. */
  #uids = Buffer.alloc(16 * START_ROWS);
  /** 0: none. */
  #v4 = new Uint32Array(START_ROWS);
  #namespace = new Uint32Array(START_ROWS);
  #revision = new Float64Array(START_ROWS);
  #flags = new Uint8Array(START_ROWS);
  /** What few rows have. */
  readonly #v6 = new Map<number, string>();
  readonly #search = new Map<number, readonly string[]>();
  readonly #namespaces = new TextNumbers();
  readonly #freeRows: number[] = [];
  #rows = 0;

  get size(): number {
    return this.#byUid.size;
  }

  /** Pods are told apart by their uids: one that was made again under its name is another. */
  held({ metadata }: Pod): Held | undefined {
    const row = this.#rowOf(uidBytes(metadata.uid));
    if (row === undefined) return undefined;
    return { metadata: { uid: metadata.uid, resourceVersion: `${this.#revision[row]}` } };
  }

  set(pod: Pod): void {
    const uid = uidBytes(pod.metadata.uid);
    const known = this.#rowOf(uid);
    if (known !== undefined) this.#remove(known);
    const { v4, v6 } = addressesOf(pod);
    if (v4 === 0 && v6 === undefined) return;
    const row = this.#freeRows.pop() ?? this.#newRow();
    uid.copy(this.#uids, 16 * row);
    this.#byUid.add(bitsOf(uid, 0), row);
    this.#v4[row] = v4;
    if (v4 !== 0) this.#byAddress.add(v4, row);
    if (v6 !== undefined) this.#v6.set(row, v6);
    if (v6 !== undefined) this.#byAddress.add(addressBits(v6), row);
    this.#namespace[row] = this.#namespaces.use(pod.metadata.namespace ?? '');
    this.#revision[row] = revisionOf(pod);
    const search = searchOf(pod);
    if (search !== undefined && search.length > 0) this.#search.set(row, search);
    const leaving = pod.metadata.deletionTimestamp !== undefined;
    this.#flags[row] = (leaving ? LEAVING : 0) | (search === undefined ? 0 : CLUSTER_FIRST);
  }

  delete(pod: Pod): void {
    const row = this.#rowOf(uidBytes(pod.metadata.uid));
    if (row !== undefined) this.#remove(row);
  }

  listing(): Listing<Pod> {
    for (let row = 0; row < this.#rows; row++) this.#flags[row] = (this.#flags[row] ?? 0) | UNSEEN;
    return {
      seen: ({ metadata }) => {
        const row = this.#rowOf(uidBytes(metadata.uid));
        if (row !== undefined) this.#flags[row] = (this.#flags[row] ?? 0) & ~UNSEEN;
      },
      dropOthers: () => {
        for (let row = 0; row < this.#rows; row++) {
          if (this.#isTaken(row) && ((this.#flags[row] ?? 0) & UNSEEN) !== 0) this.#remove(row);
        }
      },
    };
  }

  hasPod(address: Address, namespace: string): boolean {
    const number = this.#namespaces.find(namespace);
    return this.#rowsAt(address).some((row) => this.#namespace[row] === number);
  }

  /**
   * While an address changes hands two Pods may claim it: then the one that stays has it, and where that is not clear nobody
   * does, since a wrong namespace would give answers for somebody else.
   */
  podAt(address: Address): PodEntry | undefined {
    const rows = this.#rowsAt(address);
    const staying = rows.filter((row) => ((this.#flags[row] ?? 0) & LEAVING) === 0);
    const [row, ...others] = staying.length > 0 ? staying : rows;
    if (row === undefined || others.length > 0) return undefined;
    const clusterFirst = ((this.#flags[row] ?? 0) & CLUSTER_FIRST) !== 0;
    return {
      namespace: this.#namespaces.text(this.#namespace[row] ?? 0),
      search: clusterFirst ? (this.#search.get(row) ?? []) : undefined,
    };
  }

  #rowOf(uid: Buffer): number | undefined {
    const fits = (row: number): boolean => uid.compare(this.#uids, 16 * row, 16 * row + 16) === 0;
    return this.#byUid.find(bitsOf(uid, 0), fits);
  }

  #rowsAt(address: Address): readonly number[] {
    const rows = this.#byAddress.all(addressBits(address));
    return rows.filter((row) => (typeof address === 'number' ? this.#v4[row] : this.#v6.get(row)) === address);
  }

  #isTaken(row: number): boolean {
    return this.#v4[row] !== 0 || this.#v6.has(row);
  }

  #remove(row: number): void {
    const v4 = this.#v4[row] ?? 0;
    const v6 = this.#v6.get(row);
    this.#byUid.remove(bitsOf(this.#uids, 16 * row), row);
    if (v4 !== 0) this.#byAddress.remove(v4, row);
    if (v6 !== undefined) this.#byAddress.remove(addressBits(v6), row);
    this.#namespaces.release(this.#namespace[row] ?? 0);
    this.#v4[row] = 0;
    this.#v6.delete(row);
    this.#search.delete(row);
    this.#freeRows.push(row);
  }

  #newRow(): number {
    const row = this.#rows++;
    if (row < this.#v4.length) return row;
    // By half: to double them would be to have room for 100,000 that are not there.
    const rows = row + (row >> 1);
    this.#uids = grown(this.#uids, Buffer.alloc(16 * rows));
    this.#v4 = grown(this.#v4, new Uint32Array(rows));
    this.#namespace = grown(this.#namespace, new Uint32Array(rows));
    this.#revision = grown(this.#revision, new Float64Array(rows));
    this.#flags = grown(this.#flags, new Uint8Array(rows));
    return row;
  }
}

function grown<A extends Uint8Array | Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

const UUID_BYTES = 16;

/** A UUID as it is; of anything else, which the API allows, a digest. */
function uidBytes(uid: string): Buffer {
  const bytes = uid.length === 36 ? Buffer.from(uid.replaceAll('-', ''), 'hex') : undefined;
  if (bytes?.length === UUID_BYTES) return bytes;
  return hash('sha256', uid, 'buffer').subarray(0, UUID_BYTES);
}

/** All of it: some kinds of UUIDs differ at their end only. */
function bitsOf(uids: Buffer, at: number): number {
  const bits =
    uids.readUInt32BE(at) ^ uids.readUInt32BE(at + 4) ^ uids.readUInt32BE(at + 8) ^ uids.readUInt32BE(at + 12);
  return bits >>> 0;
}

/** What its dnsConfig adds; undefined where its search path is not the cluster's. */
function searchOf({
  spec: { dnsPolicy = 'ClusterFirst', hostNetwork, dnsConfig },
}: Pod): readonly string[] | undefined {
  return dnsPolicy === 'ClusterFirst' && hostNetwork !== true ? (dnsConfig?.searches ?? []) : undefined;
}

/** 0: none; no Pod has that address. */
function addressesOf({ status }: Pod): { readonly v4: number; readonly v6: string | undefined } {
  let v4 = 0;
  let v6: string | undefined;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return { v4, v6 };
  for (const text of status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP]) {
    const address = parseAddress(text ?? '');
    if (typeof address === 'number') v4 = address;
    else v6 = address ?? v6;
  }
  return { v4, v6 };
}
