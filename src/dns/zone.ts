import { type EndpointSlice, type Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { type DnsRecord, recordText, type RecordKind } from './record.ts';
import { serviceRecords } from './service-records.ts';

/** All records of one name; the same record may come from two Services, so each is counted. */
class Node {
  readonly #counts = new Map<string, { readonly record: DnsRecord; count: number }>();
  #records: readonly DnsRecord[] | undefined;

  add(record: DnsRecord): void {
    const text = recordText(record);
    const entry = this.#counts.get(text);
    if (entry === undefined) this.#counts.set(text, { record, count: 1 });
    else entry.count++;
    this.#records = undefined;
  }

  remove(record: DnsRecord): void {
    const text = recordText(record);
    const entry = this.#counts.get(text);
    if (entry === undefined) return;
    entry.count--;
    if (entry.count === 0) this.#counts.delete(text);
    this.#records = undefined;
  }

  get empty(): boolean {
    return this.#counts.size === 0;
  }

  get records(): readonly DnsRecord[] {
    this.#records ??= [...this.#counts.values()].map((entry) => entry.record);
    return this.#records;
  }
}

/**
 * The names of the cluster domain and what they stand for, compiled when an object changes and looked up by name. A
 * change costs as much as its Service has records, whatever the size of the cluster.
 */
export class Zone {
  /** The cluster domain in lower case without dots at the ends: `cluster.local`. */
  readonly domain: string;
  readonly #nodes = new Map<string, Node>();
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #present = new Map<string, readonly DnsRecord[]>();

  constructor(domain: string) {
    this.domain = domain.toLowerCase();
    this.#put([{ kind: 'TXT', name: `dns-version.${this.domain}`, text: '1.1.0' }]);
  }

  /** Records of a name given in lower case; undefined when there is no such name. */
  lookup(name: string): readonly DnsRecord[] | undefined {
    return this.#nodes.get(name)?.records;
  }

  lookupKind<K extends RecordKind>(name: string, kind: K): readonly Extract<DnsRecord, { kind: K }>[] {
    return (this.lookup(name) ?? []).filter(
      (record): record is Extract<DnsRecord, { kind: K }> => record.kind === kind,
    );
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  addNamespace(name: string): void {
    this.#namespaces.add(name);
  }

  removeNamespace(name: string): void {
    this.#namespaces.delete(name);
  }

  setService(service: Service): void {
    const key = objectKey(service);
    this.#services.set(key, service);
    this.#compile(key);
  }

  removeService(service: Service): void {
    const key = objectKey(service);
    this.#services.delete(key);
    this.#compile(key);
  }

  setSlice(slice: EndpointSlice): void {
    const key = serviceKeyOf(slice);
    if (key === undefined) return;
    const slices = this.#slices.get(key) ?? new Map<string, EndpointSlice>();
    slices.set(slice.metadata.name, slice);
    this.#slices.set(key, slices);
    this.#compile(key);
  }

  removeSlice(slice: EndpointSlice): void {
    const key = serviceKeyOf(slice);
    const slices = key === undefined ? undefined : this.#slices.get(key);
    if (key === undefined || slices === undefined) return;
    slices.delete(slice.metadata.name);
    if (slices.size === 0) this.#slices.delete(key);
    this.#compile(key);
  }

  #compile(key: string): void {
    const service = this.#services.get(key);
    const slices = [...(this.#slices.get(key)?.values() ?? [])];
    const before = this.#present.get(key) ?? [];
    const after = service === undefined ? [] : serviceRecords(service, slices, this.domain);
    // First the new ones: a name that stays is never gone in between.
    this.#put(after);
    this.#drop(before);
    if (after.length === 0) this.#present.delete(key);
    else this.#present.set(key, after);
  }

  #put(records: readonly DnsRecord[]): void {
    for (const record of records) {
      const node = this.#nodes.get(record.name) ?? new Node();
      node.add(record);
      this.#nodes.set(record.name, node);
    }
  }

  #drop(records: readonly DnsRecord[]): void {
    for (const record of records) {
      const node = this.#nodes.get(record.name);
      node?.remove(record);
      if (node?.empty === true) this.#nodes.delete(record.name);
    }
  }
}

function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.['kubernetes.io/service-name'];
  return name === undefined ? undefined : `${slice.metadata.namespace ?? ''}/${name}`;
}
