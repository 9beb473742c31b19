import type { EndpointSlice, Service } from '#api/generated/types.ts';
import type { Address } from './address.ts';
import { labelsOf, wireName, type WireName } from './name.ts';
import { type EndpointPart, partOf, type PartOptions, ServiceEntry, shapeOf } from './service-entry.ts';

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
  readonly #namespaces = new Set<string>();
  readonly #entries = new Map<string, ServiceEntry>();
  readonly #byClusterIp = new Map<Address, ServiceEntry>();
  /** One part where an address is in one slice only, which nearly all are: an array for each would cost more. */
  readonly #byEndpoint = new Map<Address, EndpointPart | readonly EndpointPart[]>();

  readonly #partOptions: PartOptions;

  constructor(domain: string, partOptions: PartOptions = {}) {
    this.#partOptions = partOptions;
    const name = wireName(domain);
    if (name === undefined) throw new RangeError(`Cannot serve the domain "${domain}": it is not a domain name`);
    this.name = name;
    this.labels = labelsOf(name);
    this.domain = this.labels.join('.');
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  addNamespace(name: string): void {
    this.#namespaces.add(name);
  }

  /** What was compiled of its Services is worth nothing from here on. */
  removeNamespace(name: string): void {
    if (!this.#namespaces.delete(name)) return;
    for (const [key, entry] of this.#entries) if (key.startsWith(`${name}/`)) entry.version++;
  }

  /** Undefined when there is no such Service, whatever slices say. Names in lower case. */
  service(namespace: string, name: string): ServiceEntry | undefined {
    const entry = this.#entries.get(`${namespace}/${name}`);
    return entry?.shape === undefined ? undefined : entry;
  }

  serviceOfClusterIp(address: Address): ServiceEntry | undefined {
    return this.#byClusterIp.get(address);
  }

  /** The slices with a ready endpoint of this address, also those whose Service is not there. */
  partsOfAddress(address: Address): readonly EndpointPart[] {
    const parts = this.#byEndpoint.get(address);
    if (parts === undefined) return [];
    return isMany(parts) ? parts : [parts];
  }

  setService(service: Service): void {
    const entry = this.#entry(service.metadata.namespace ?? '', service.metadata.name);
    this.#setShape(entry, service);
  }

  removeService(service: Service): void {
    const { namespace = '', name } = service.metadata;
    const entry = this.#entries.get(`${namespace}/${name}`);
    if (entry === undefined) return;
    this.#setShape(entry, undefined);
    this.#forgetIfEmpty(namespace, name, entry);
  }

  setSlice(slice: EndpointSlice): void {
    const service = serviceOf(slice);
    if (service === undefined) return;
    const entry = this.#entry(slice.metadata.namespace ?? '', service);
    const before = entry.parts.find((part) => part.slice === slice.metadata.name);
    const after = partOf(entry, slice, this.#partOptions);
    entry.version++;
    if (before !== undefined) this.#unindex(before, new Set(after.addresses));
    entry.parts = [...entry.parts.filter((part) => part !== before), after];
    this.#index(after, before);
  }

  removeSlice(slice: EndpointSlice): void {
    const service = serviceOf(slice);
    if (service === undefined) return;
    const { namespace = '', name } = slice.metadata;
    const entry = this.#entries.get(`${namespace}/${service}`);
    const part = entry?.parts.find(({ slice: own }) => own === name);
    if (entry === undefined || part === undefined) return;
    entry.version++;
    this.#unindex(part);
    entry.parts = entry.parts.filter((other) => other !== part);
    this.#forgetIfEmpty(namespace, service, entry);
  }

  #entry(namespace: string, name: string): ServiceEntry {
    const key = `${namespace}/${name}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    // Joined it is one string, while a template is a chain of its pieces for as long as it lives.
    const flat = [namespace, name].join('/');
    const entry = new ServiceEntry(flat, this.name);
    this.#entries.set(flat, entry);
    return entry;
  }

  #forgetIfEmpty(namespace: string, name: string, entry: ServiceEntry): void {
    if (entry.shape === undefined && entry.parts.length === 0) this.#entries.delete(`${namespace}/${name}`);
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

  /** In the place of `before` where that is: a key that stays in the map does not make it grow. */
  #index(part: EndpointPart, before: EndpointPart | undefined): void {
    for (const address of part.addresses) {
      const known = this.#byEndpoint.get(address);
      if (known === undefined || known === before) this.#byEndpoint.set(address, part);
      else if (!isMany(known)) this.#byEndpoint.set(address, known === part ? part : [known, part]);
      else if (!known.includes(part))
        this.#byEndpoint.set(address, [...known.filter((other) => other !== before), part]);
    }
    for (const hostname of new Set(part.hostnames)) {
      if (hostname === '') continue;
      const known = (part.owner.byHostname ??= new Map<string, readonly EndpointPart[]>());
      known.set(hostname, [...(known.get(hostname) ?? []), part]);
    }
  }

  #unindex(part: EndpointPart, staying: ReadonlySet<Address> = NO_ADDRESSES): void {
    for (const address of part.addresses) if (!staying.has(address)) this.#dropAddress(address, part);
    const known = part.owner.byHostname;
    for (const hostname of new Set(part.hostnames)) {
      const rest = (known?.get(hostname) ?? []).filter((other) => other !== part);
      if (rest.length > 0) known?.set(hostname, rest);
      else known?.delete(hostname);
    }
  }

  #dropAddress(address: Address, part: EndpointPart): void {
    const known = this.#byEndpoint.get(address);
    const rest = known !== undefined && isMany(known) ? known.filter((other) => other !== part) : [];
    const [first] = rest;
    if (first !== undefined) this.#byEndpoint.set(address, rest.length === 1 ? first : rest);
    else if (known === part || (known !== undefined && isMany(known))) this.#byEndpoint.delete(address);
  }
}

const NO_ADDRESSES: ReadonlySet<Address> = new Set();

function isMany(parts: EndpointPart | readonly EndpointPart[]): parts is readonly EndpointPart[] {
  return Array.isArray(parts);
}

function serviceOf(slice: EndpointSlice): string | undefined {
  return slice.metadata.labels?.['kubernetes.io/service-name'];
}
