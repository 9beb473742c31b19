import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { type Address, addressBits } from './address.ts';
import { labelsOf, wireLabel, wireName, type WireName } from './name.ts';
import { NumberIndex } from './number-index.ts';
import {
  type EndpointPart,
  partOf,
  type PartOptions,
  revisionOf,
  ServiceEntry,
  serviceKey,
  shapeOf,
} from './service-entry.ts';
import { ServiceTable } from './service-table.ts';

/**
 * The Services of a cluster and their endpoints, as they are asked for: by name and by address. Nothing but what DNS
 * says is kept of an object. A change of a Service costs as much as its ports, a change of a slice as much as the slice,
 * whatever the size of the Service and of the cluster.
 */
export class Zone {
  /** The cluster domain in lower case without dots at the ends: `cluster.local`. */
  readonly domain: string;
  readonly name: WireName;
  readonly labels: readonly string[];
  readonly #partOptions: PartOptions;
  /** Their revisions. */
  readonly #namespaces = new Map<string, number>();
  readonly #entries = new ServiceTable();
  readonly #byClusterIp = new Map<Address, ServiceEntry>();
  readonly #parts = new Map<string, EndpointPart>();
  /** By their numbers, of which those of parts that are gone are taken again. */
  readonly #numbered: (EndpointPart | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  /** Numbers of parts by an endpoint's address. */
  readonly #byEndpoint = new NumberIndex();

  constructor(domain: string, partOptions: PartOptions = {}) {
    this.#partOptions = partOptions;
    const name = wireName(domain);
    if (name === undefined) throw new RangeError(`Cannot serve the domain "${domain}": it is not a domain name`);
    this.name = name;
    this.labels = labelsOf(name);
    this.domain = this.labels.join('.');
  }

  /** Services that are there. */
  get size(): number {
    let size = 0;
    for (const _ of this.serviceKeys()) size++;
    return size;
  }

  namespaceNames(): Iterable<string> {
    return this.#namespaces.keys();
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  namespaceRevision(name: string): number | undefined {
    return this.#namespaces.get(name);
  }

  addNamespace(name: string, revision: number = Number.NaN): void {
    this.#namespaces.set(name, revision);
  }

  /** What was compiled of its Services is worth nothing from here on. */
  removeNamespace(name: string): void {
    if (!this.#namespaces.delete(name)) return;
    const end = wireLabel(name);
    for (const entry of this.#entries) if (entry.key.endsWith(end)) entry.version++;
  }

  /** Undefined when there is no such Service, whatever slices say. Names in lower case. */
  service(namespace: string, name: string): ServiceEntry | undefined {
    return this.serviceOfKey(serviceKey(namespace, name));
  }

  /** The one whose key is the first `length` characters. */
  serviceOfKey(key: string, length: number = key.length): ServiceEntry | undefined {
    const entry = this.#entries.find(key, length);
    return entry?.shape === undefined ? undefined : entry;
  }

  serviceOfClusterIp(address: Address): ServiceEntry | undefined {
    return this.#byClusterIp.get(address);
  }

  /** The slices with a ready endpoint of this address, also those whose Service is not there. */
  partsOfAddress(address: Address): readonly EndpointPart[] {
    const parts = this.#byEndpoint.all(addressBits(address)).flatMap((number) => this.#numbered[number] ?? []);
    return parts.filter(({ addresses }) => addresses.includes(address));
  }

  *serviceKeys(): Iterable<string> {
    for (const { key, shape } of this.#entries) if (shape !== undefined) yield key;
  }

  serviceRevision(key: string): number | undefined {
    return this.serviceOfKey(key)?.revision;
  }

  setService(service: Service): void {
    const entry = this.#entry(service.metadata.namespace ?? '', service.metadata.name);
    this.#setShape(entry, service);
    entry.revision = revisionOf(service);
  }

  removeService(key: string): void {
    const entry = this.#entries.find(key);
    if (entry === undefined) return;
    this.#setShape(entry, undefined);
    entry.revision = Number.NaN;
    this.#forgetIfEmpty(entry);
  }

  sliceKeys(): Iterable<string> {
    return this.#parts.keys();
  }

  sliceRevision(key: string): number | undefined {
    return this.#parts.get(key)?.revision;
  }

  setSlice(slice: EndpointSlice): void {
    const key = objectKey(slice);
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    const known = this.#parts.get(key);
    const owner = service === undefined ? undefined : this.#entry(slice.metadata.namespace ?? '', service);
    if (known !== undefined && known.owner !== owner) this.removeSlice(key);
    if (owner === undefined) return;
    const before = this.#parts.get(key);
    const number = before?.number ?? this.#freeNumbers.pop() ?? this.#numbered.length;
    const after = partOf({ owner, number }, slice, this.#partOptions);
    owner.version++;
    owner.parts = [...owner.parts.filter((part) => part !== before), after];
    this.#parts.set(before === undefined ? flat(key) : key, after);
    this.#numbered[number] = after;
    this.#index(before, after);
  }

  removeSlice(key: string): void {
    const part = this.#parts.get(key);
    if (part === undefined) return;
    const { owner, number } = part;
    owner.version++;
    owner.parts = owner.parts.filter((other) => other !== part);
    this.#parts.delete(key);
    this.#index(part, undefined);
    this.#numbered[number] = undefined;
    this.#freeNumbers.push(number);
    this.#forgetIfEmpty(owner);
  }

  #entry(namespace: string, name: string): ServiceEntry {
    const key = serviceKey(namespace, name);
    const known = this.#entries.find(key);
    if (known !== undefined) return known;
    const entry = new ServiceEntry(flat(key), this.name);
    this.#entries.add(entry);
    return entry;
  }

  #forgetIfEmpty(entry: ServiceEntry): void {
    if (entry.shape === undefined && entry.parts.length === 0) this.#entries.remove(entry);
  }

  #setShape(entry: ServiceEntry, service: Service | undefined): void {
    entry.version++;
    if (entry.shape?.kind === 'clusterIp') {
      for (const address of entry.shape.addresses) {
        // A new Service may have the address before we hear that the old one is gone.
        if (this.#byClusterIp.get(address) === entry) this.#byClusterIp.delete(address);
      }
    }
    entry.shape = service === undefined ? undefined : shapeOf(service);
    if (entry.shape?.kind !== 'clusterIp') return;
    for (const address of entry.shape.addresses) this.#byClusterIp.set(address, entry);
  }

  /** What stays as it is in the index is not touched. */
  #index(before: EndpointPart | undefined, after: EndpointPart | undefined): void {
    const old = new Set(before?.addresses);
    const now = new Set(after?.addresses);
    if (before !== undefined) {
      for (const address of old) if (!now.has(address)) this.#byEndpoint.remove(addressBits(address), before.number);
      indexHostnames(before, (parts) => parts.filter((part) => part !== before));
    }
    if (after === undefined) return;
    for (const address of now) if (!old.has(address)) this.#byEndpoint.add(addressBits(address), after.number);
    indexHostnames(after, (parts) => [...parts, after]);
  }
}

function indexHostnames(
  { owner, hostnames }: EndpointPart,
  change: (parts: readonly EndpointPart[]) => readonly EndpointPart[],
): void {
  for (const hostname of new Set(hostnames)) {
    if (hostname === '') continue;
    const known = (owner.byHostname ??= new Map<string, readonly EndpointPart[]>());
    const parts = change(known.get(hostname) ?? []);
    if (parts.length > 0) known.set(hostname, parts);
    else known.delete(hostname);
  }
}

/** Joined it is one string, while a template string is a chain of its pieces for as long as it lives. */
function flat(key: string): string {
  return [key, ''].join('');
}
