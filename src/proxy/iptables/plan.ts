import type { IpFamily } from '#base/ip.ts';
import { staleFlows, type StaleFlows } from '../flows.ts';
import { parseFrontendId, type Backend, type Frontend, type FrontendChange, type FrontendId } from '../frontend.ts';
import type { RulesetSettings } from '../settings.ts';
import type { CountedTable } from '../sync-observer.ts';
import { backendKey } from '../slots.ts';
import { baseChains, type TableName } from './base-rules.ts';
import { RestoreWriter } from './restore-writer.ts';
import type { WantedTables } from './resync.ts';
import { portKey, servicePort } from './service-port.ts';
import { servicePortRules, type ServicePortRules, type SharedRule } from './service-port-rules.ts';

/** More endpoints than this, and most rules go without a comment; and what is less than half of it gets them back. */
const LARGE = 1000;
/** From so many rules on, a chain is written anew: iptables looks for each rule to delete from the start of its chain. */
const MANY_SHARED = 100;

export interface Step {
  /** For iptables-restore; empty for nothing to do. */
  readonly text: string;
  readonly staleFlows: readonly StaleFlows[];
}

interface Port {
  readonly frontends: ReadonlyMap<FrontendId, Frontend>;
  readonly shared: readonly SharedRule[];
  readonly endpoints: number;
}

const NOTHING: ServicePortRules = { shared: [], chains: new Map() };

/**
 * What one family's rules are, and the restore input that brings them to new frontends: the chains of the Services that
 * changed, and the rules for them in the chains that all share.
 */
export class IptablesPlan {
  readonly #family: IpFamily;
  readonly #settings: RulesetSettings;
  readonly #ports = new Map<string, Port>();
  readonly #portOf = new Map<FrontendId, string>();
  /** All rules of our own chains. */
  readonly ruleCounts: Record<CountedTable, number> = { filter: 0, nat: 0 };
  #endpoints = 0;
  #isLarge = false;

  constructor(family: IpFamily, settings: RulesetSettings) {
    this.#family = family;
    this.#settings = settings;
  }

  frontends(): Frontend[] {
    return [...this.#ports.values()].flatMap(({ frontends }) => [...frontends.values()]);
  }

  apply(changes: readonly FrontendChange[]): Step {
    const { touched, flows } = this.#take(changes);
    const isLarge = this.#isLarge ? this.#endpoints > LARGE / 2 : this.#endpoints > LARGE;
    const wasLarge = this.#isLarge;
    this.#isLarge = isLarge;
    const shared = { added: [] as SharedRule[], deleted: [] as SharedRule[] };
    const writer = new RestoreWriter();
    const differ = (key: string, before: Port | undefined, after: Port | undefined): void => {
      const old = this.#rules(before, wasLarge);
      const rules = this.#rules(after, isLarge);
      if (after !== undefined) this.#ports.set(key, { ...after, shared: rules.shared });
      this.#count(rules, 1);
      this.#count(old, -1);
      diffChains(old, rules, writer);
      diffShared(old, rules, shared);
    };
    for (const [key, before] of touched) differ(key, before, this.#ports.get(key));
    if (wasLarge !== isLarge) {
      for (const [key, port] of this.#ports) if (!touched.has(key)) differ(key, port, port);
    }
    if (shared.deleted.length > MANY_SHARED) this.#replaceShared(writer);
    else writeShared(shared, writer);
    return { text: writer.finish(), staleFlows: flows };
  }

  /** Takes all of them over, where what is there is to be compared with all that should be there. */
  load(changes: readonly FrontendChange[]): void {
    this.#take(changes);
    this.#isLarge = this.#endpoints > LARGE;
  }

  /** All that should be there. */
  wanted(): WantedTables {
    const own = new Map<string, readonly string[]>();
    for (const [key, port] of this.#ports) {
      const rules = this.#rules(port, this.#isLarge);
      this.#ports.set(key, { ...port, shared: rules.shared });
      for (const [chain, lines] of rules.chains) own.set(chain, lines);
    }
    const chains = this.#sharedChains();
    const tails: Record<TableName, Map<string, number>> = { filter: new Map(), nat: new Map(), mangle: new Map() };
    for (const { table, name, rules } of baseChains(this.#family, this.#settings)) {
      tails[table].set(name, rules.length);
    }
    for (const [chain, lines] of own) chains.nat.set(chain, lines);
    for (const table of ['filter', 'nat'] as const) {
      this.ruleCounts[table] = [...chains[table].values()].reduce((sum, rules) => sum + rules.length, 0);
    }
    return { chains, tails };
  }

  #count({ shared, chains }: ServicePortRules, sign: 1 | -1): void {
    for (const { table } of shared) this.ruleCounts[table] += sign;
    for (const rules of chains.values()) this.ruleCounts.nat += sign * rules.length;
  }

  #take(changes: readonly FrontendChange[]): Taken {
    const touched = new Map<string, Port | undefined>();
    const drafts = new Map<string, Map<FrontendId, Frontend>>();
    const draft = (key: string): Map<FrontendId, Frontend> => {
      const known = drafts.get(key);
      if (known !== undefined) return known;
      const port = this.#ports.get(key);
      touched.set(key, port);
      const made = new Map(port?.frontends);
      drafts.set(key, made);
      return made;
    };
    const flows: StaleFlows[] = [];
    for (const { id, frontend } of changes) {
      const oldKey = this.#portOf.get(id);
      const old = oldKey === undefined ? undefined : draft(oldKey).get(id);
      if (oldKey !== undefined) draft(oldKey).delete(id);
      if (frontend === undefined) this.#portOf.delete(id);
      else {
        const key = portKey(frontend);
        this.#portOf.set(id, key);
        draft(key).set(id, frontend);
      }
      const stale = flowsOf(id, old, frontend);
      if (stale !== undefined) flows.push(stale);
    }
    for (const [key, frontends] of drafts) this.#put(key, frontends);
    return { touched, flows };
  }

  #put(key: string, frontends: ReadonlyMap<FrontendId, Frontend>): void {
    this.#endpoints -= this.#ports.get(key)?.endpoints ?? 0;
    if (frontends.size === 0) {
      this.#ports.delete(key);
      return;
    }
    const endpoints = Math.max(...[...frontends.values()].map(({ backends }) => backends.length));
    this.#endpoints += endpoints;
    this.#ports.set(key, { frontends, shared: [], endpoints });
  }

  #rules(port: Port | undefined, isLarge: boolean): ServicePortRules {
    const view = port === undefined ? undefined : servicePort([...port.frontends.values()]);
    if (view === undefined) return NOTHING;
    return servicePortRules(view, { family: this.#family, settings: this.#settings, isLarge });
  }

  #sharedChains(): Record<TableName, Map<string, readonly string[]>> {
    const chains: Record<TableName, Map<string, readonly string[]>> = {
      filter: new Map(),
      nat: new Map(),
      mangle: new Map(),
    };
    const rules = new Map<string, string[]>();
    for (const { shared } of this.#ports.values()) {
      for (const { table, chain, rule } of shared) {
        const key = `${table} ${chain}`;
        const list = rules.get(key);
        if (list === undefined) rules.set(key, [rule]);
        else list.push(rule);
      }
    }
    for (const { table, name, rules: own } of baseChains(this.#family, this.#settings)) {
      chains[table].set(name, [...(rules.get(`${table} ${name}`) ?? []), ...own]);
    }
    return chains;
  }

  #replaceShared(writer: RestoreWriter): void {
    const chains = this.#sharedChains();
    for (const table of ['filter', 'nat'] as const) {
      for (const [chain, rules] of chains[table]) writer.replaceChain(table, chain, rules);
    }
  }
}

interface Taken {
  /** Ports that changed, as they were. */
  readonly touched: ReadonlyMap<string, Port | undefined>;
  readonly flows: readonly StaleFlows[];
}

/**
 * To an address that nobody had, and to one without backends, flows may have begun that go to the address itself: in this
 * mode nothing stops them.
 */
function flowsOf(id: FrontendId, before: Frontend | undefined, after: Frontend | undefined): StaleFlows | undefined {
  const place = parseFrontendId(id);
  if (place.protocol !== 'udp') return undefined;
  const kept = new Set(after?.backends.map(backendKey));
  const removed = (before?.backends ?? []).filter((backend: Backend) => !kept.has(backendKey(backend)));
  const isNew = kept.size > 0 && (before === undefined || before.backends.length === 0);
  return staleFlows(place, isNew, removed);
}

function diffChains(before: ServicePortRules, after: ServicePortRules, writer: RestoreWriter): void {
  for (const [chain, rules] of after.chains) {
    if (!isSameList(before.chains.get(chain), rules)) writer.replaceChain('nat', chain, rules);
  }
  for (const chain of before.chains.keys()) {
    if (!after.chains.has(chain)) writer.removeChain('nat', chain);
  }
}

function isSameList(before: readonly string[] | undefined, after: readonly string[]): boolean {
  return before?.length === after.length && before.every((rule, i) => rule === after[i]);
}

function diffShared(
  before: ServicePortRules,
  after: ServicePortRules,
  into: { readonly added: SharedRule[]; readonly deleted: SharedRule[] },
): void {
  const text = ({ table, chain, rule }: SharedRule): string => `${table} ${chain} ${rule}`;
  const old = new Set(before.shared.map(text));
  const now = new Set(after.shared.map(text));
  into.added.push(...after.shared.filter((one) => !old.has(text(one))));
  into.deleted.push(...before.shared.filter((one) => !now.has(text(one))));
}

function writeShared(
  { added, deleted }: { readonly added: readonly SharedRule[]; readonly deleted: readonly SharedRule[] },
  writer: RestoreWriter,
): void {
  for (const { table, chain, rule } of deleted) writer.deleteRule(table, chain, rule);
  // Each goes before those that are there, so the first of them comes last.
  for (const { table, chain, rule } of added.toReversed()) writer.insertRule(table, chain, rule);
}
