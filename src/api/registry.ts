import type { KindDefinition } from './kind.ts';
import { builtInKinds } from './kinds/built-in.ts';

/** A group with its versions, the preferred one first. */
export interface GroupVersions {
  readonly group: string;
  readonly versions: readonly string[];
}

/** All kinds a server serves. It grows and shrinks at run time with CustomResourceDefinitions. */
export class KindRegistry {
  readonly #byPlural = new Map<string, KindDefinition>();
  readonly #byKind = new Map<string, KindDefinition>();
  #generation = 0;

  constructor(kinds: Iterable<KindDefinition> = builtInKinds) {
    for (const kind of kinds) this.add(kind);
  }

  /** Grows with each change; what is derived from the registry (discovery, OpenAPI) is cached under it. */
  get generation(): number {
    return this.#generation;
  }

  get kinds(): readonly KindDefinition[] {
    return [...this.#byPlural.values()];
  }

  /** Adds a kind, or takes the place of the one with the same group, version and plural. */
  add(kind: KindDefinition): void {
    const { group, version, plural } = kind.resource;
    this.remove(group, version, plural);
    this.#byPlural.set(key(group, version, plural), kind);
    this.#byKind.set(key(group, version, kind.resource.kind), kind);
    this.#generation++;
  }

  remove(group: string, version: string, plural: string): boolean {
    const old = this.#byPlural.get(key(group, version, plural));
    if (old === undefined) return false;
    this.#byPlural.delete(key(group, version, plural));
    this.#byKind.delete(key(group, version, old.resource.kind));
    this.#generation++;
    return true;
  }

  byPlural(group: string, version: string, plural: string): KindDefinition | undefined {
    return this.#byPlural.get(key(group, version, plural));
  }

  byKind(group: string, version: string, kind: string): KindDefinition | undefined {
    return this.#byKind.get(key(group, version, kind));
  }

  /** Groups in the order in which their first kind was added; the core group is ''. */
  groups(): readonly GroupVersions[] {
    const groups = new Map<string, string[]>();
    for (const { resource } of this.#byPlural.values()) {
      const versions = groups.get(resource.group) ?? [];
      if (!versions.includes(resource.version)) versions.push(resource.version);
      groups.set(resource.group, versions);
    }
    return [...groups].map(([group, versions]) => ({ group, versions }));
  }

  /** The kinds of one group and version, by plural. */
  inGroupVersion(group: string, version: string): readonly KindDefinition[] {
    return this.kinds
      .filter(({ resource }) => resource.group === group && resource.version === version)
      .sort((a, b) => (a.resource.plural < b.resource.plural ? -1 : 1));
  }
}

function key(group: string, version: string, name: string): string {
  return `${group}/${version}/${name}`;
}
