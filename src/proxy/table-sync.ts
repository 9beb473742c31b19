import { errorCode } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import { diffTables, type Programmed } from '#nftables/diff.ts';
import type { NftablesSocket, ProgrammedTable } from '#nftables/nftables-socket.ts';
import type { Table } from '#nftables/table.ts';
import { addChain, transaction, type Operation, type Transaction } from '#nftables/transaction.ts';
import { readAdoption, type Adoption, type TableReader, type Trust } from './adopt.ts';
import type { StaleFlows } from './flows.ts';
import { findDamage } from './audit.ts';
import type { FrontendChange, FrontendId } from './frontend.ts';
import { guardOf, guardSet, isGuardName, type Guard } from './guard.ts';
import { parsePick, readWord, timeoutNumberOf, type Pick } from './pick.ts';
import { Plan, type Step } from './plan.ts';
import { ruleset, TABLE_NAME, type Ruleset } from './ruleset.ts';
import type { RulesetSettings } from './settings.ts';
import { rulesetTable } from './ruleset-table.ts';
import type { RuleFigures } from './sync-observer.ts';

/** What is looked up in a few milliseconds. */
const SLOTS_PER_AUDIT = 500;
/** A hash table that grew is rehashed within milliseconds. */
const MAX_READS = 100;

/** One family's table in the kernel, and the plan that mirrors it. */
export class TableSync {
  /** Takes effect at the next `resync`. */
  settings: RulesetSettings;
  readonly #socket: NftablesSocket;
  readonly #family: IpFamily;
  #plan: Plan | undefined;
  /** What may be taken for granted when the table is read next. */
  #trust: Trust['kind'] = 'notes';
  /** Frontends that were taken for granted. */
  #unaudited: FrontendId[] = [];
  #cleanupFailures = 0;

  constructor(socket: NftablesSocket, family: IpFamily, settings: RulesetSettings) {
    this.#socket = socket;
    this.#family = family;
    this.settings = settings;
  }

  /** The kernel's table is known, and changes can be applied to it. */
  get isCurrent(): boolean {
    return this.#plan !== undefined;
  }

  get figures(): RuleFigures {
    return { cleanupFailures: this.#cleanupFailures };
  }

  /**
   * Brings the whole table to `changes`, which must hold every frontend there is, writing only what differs from what
   * the kernel has. Base chains of a new table come last: no packet meets half of it.
   */
  resync(changes: readonly FrontendChange[], onStale: (flows: readonly StaleFlows[]) => void): void {
    this.#plan = undefined;
    try {
      this.#plan = this.#reconcile(changes, onStale, this.#trust);
    } catch (error) {
      if (this.#trust === 'nothing') throw error;
      // Mostly because something is there that was not looked for.
      this.#trust = 'nothing';
      this.#plan = this.#reconcile(changes, onStale, 'nothing');
    }
    this.#trust = 'frontends';
  }

  #reconcile(
    changes: readonly FrontendChange[],
    onStale: (flows: readonly StaleFlows[]) => void,
    trust: Trust['kind'],
  ): Plan {
    const plan = new Plan(ruleset(this.#family), this.settings.nodeAddresses);
    const { family } = plan.rules;
    const before = this.#socket.readTable(family, TABLE_NAME);
    const table = this.#adopt(plan, before, changes, trust);
    this.#take(plan.stepsToAll(changes), onStale);
    if (before === undefined) {
      const hooks = table.chains.filter((chain) => chain.hook !== undefined);
      this.#socket.commit(transaction(family, TABLE_NAME, hooks.flatMap(addChain)));
    }
    this.#dropGuards(plan);
    return plan;
  }

  /**
   * Looks at some of the slots that a restart took for granted, and returns the first frontend whose slots are not what
   * they should be. `isAudited` tells when nothing is left to look at.
   */
  audit(): FrontendId | undefined {
    const plan = this.#plan;
    if (plan === undefined) return undefined;
    const some: FrontendId[] = [];
    for (let slots = 0; slots < SLOTS_PER_AUDIT;) {
      const id = this.#unaudited.pop();
      if (id === undefined) break;
      some.push(id);
      slots += plan.slotsOf(id).length;
    }
    return findDamage(plan, some, this.#reader());
  }

  get isAudited(): boolean {
    return this.#unaudited.length === 0;
  }

  #reader(): TableReader {
    const { family } = ruleset(this.#family);
    return {
      visit: (set, visit) => this.#socket.visitElements(family, TABLE_NAME, set, visit),
      elements: (set) => this.#socket.readElements(family, TABLE_NAME, set),
      lookUp: (set, keys) => this.#socket.lookUp(family, TABLE_NAME, set, keys),
    };
  }

  /** Applies changes one transaction after the other. After an error the table has to be resynced. */
  apply(changes: readonly FrontendChange[], onStale: (flows: readonly StaleFlows[]) => void): void {
    const plan = this.#plan;
    if (plan === undefined) throw new Error('Cannot apply changes: the table has not been read yet');
    this.#plan = undefined;
    this.#take(plan.steps(changes), onStale);
    this.#dropGuards(plan);
    this.#plan = plan;
  }

  /** Commits the fixed part of the table and fills the plan with what the kernel has of the rest. */
  #adopt(
    plan: Plan,
    before: ProgrammedTable | undefined,
    wanted: readonly FrontendChange[],
    trust: Trust['kind'],
  ): Table {
    const { rules } = plan;
    if (before === undefined) {
      const table = rulesetTable(rules, this.settings, []);
      const inert = { ...table, chains: table.chains.filter((chain) => chain.hook === undefined) };
      this.#socket.commit(diffTables(inert, undefined));
      return table;
    }
    const picks = this.#readPicks(rules, before);
    const guards = this.#readGuards(rules, before, wanted);
    const table = rulesetTable(rules, this.settings, picks, guards);
    const fixed = diffTables(table, this.#programmed(table, before));
    this.#commit(fixed);
    const names = guards.map(({ name }) => name);
    const { state, repair } = this.#readAdoption(
      rules,
      picks,
      names,
      trust === 'notes' ? { kind: trust, wanted } : { kind: trust },
    );
    this.#commit(repair);
    plan.adopt(state);
    this.#unaudited = trust === 'notes' ? [...plan.ids()] : [];
    return table;
  }

  /** Pick chains, and what leads to them. Where the two do not fit together, the chain is made anew when it is needed. */
  #readPicks(rules: Ruleset, before: ProgrammedTable): Pick[] {
    const chains = new Set(before.chains.map(({ name }) => name));
    if (!before.sets.some(({ name }) => name === rules.sets.pick.name)) return [];
    const timeouts = new Map<number, number>();
    return this.#socket.readElements(rules.family, TABLE_NAME, rules.sets.pick).flatMap(({ key, verdict }) => {
      if (verdict === undefined || !('chain' in verdict) || !chains.has(verdict.chain)) return [];
      const pick = parsePick(verdict.chain, readWord(key));
      if (pick === undefined) return [];
      const number = timeoutNumberOf(pick.priority);
      const timeout = timeouts.get(number) ?? pick.timeout;
      timeouts.set(number, timeout);
      return timeout === pick.timeout ? [pick] : [];
    });
  }

  /** All that exist: those that nobody wants go when nothing leads to them any more. */
  #readGuards(rules: Ruleset, before: ProgrammedTable, changes: readonly FrontendChange[]): Guard[] {
    const wanted = new Map<string, Guard>();
    for (const { frontend } of changes) {
      if (frontend?.sources === undefined) continue;
      const guard = guardOf(frontend.sources, rules, this.settings.nodeAddresses);
      wanted.set(guard.name, guard);
    }
    const sets = new Set(before.sets.map(({ name }) => name));
    const names = new Set([...sets, ...before.chains.map(({ name }) => name)]);
    return [...names].filter(isGuardName).map((name) => {
      const guard = wanted.get(name);
      if (guard !== undefined) return guard;
      const set = guardSet(name, rules);
      return { name, elements: sets.has(name) ? this.#socket.readElements(rules.family, TABLE_NAME, set) : [] };
    });
  }

  /**
   * Kernels before 6.2 may see a chain as used for a moment after the last that led to it is gone: then it stays until
   * the table is read anew.
   */
  #dropGuards(plan: Plan): void {
    const unused = plan.takeUnusedGuards();
    if (unused.length === 0) return;
    const operations = unused.flatMap((name): Operation[] => [
      { kind: 'flush-chain', chain: name },
      { kind: 'delete-chain', chain: name },
      { kind: 'delete-set', set: name },
    ]);
    try {
      this.#socket.commit(transaction(plan.rules.family, TABLE_NAME, operations));
    } catch (error) {
      if (errorCode(error) !== 'EBUSY') throw error;
      this.#cleanupFailures++;
    }
  }

  #readAdoption(rules: Ruleset, picks: readonly Pick[], guards: readonly string[], trust: Trust): Adoption {
    for (let attempt = 1; ; attempt++) {
      try {
        return readAdoption(rules, picks, guards, this.#reader(), trust);
      } catch (error) {
        if (errorCode(error) !== 'ERR_NFTABLES_TORN' || attempt === MAX_READS) throw error;
      }
    }
  }

  #programmed(table: Table, before: ProgrammedTable): Programmed {
    const names = new Set(before.sets.map(({ name }) => name));
    const listed = table.sets.filter(
      ({ declaration, elements }) => elements !== undefined && names.has(declaration.name),
    );
    const elements = new Map(
      listed.map(({ declaration }) => [
        declaration.name,
        this.#socket.readElements(table.family, TABLE_NAME, declaration),
      ]),
    );
    return { ...before, elements };
  }

  #take(steps: Iterable<Step>, onStale: (flows: readonly StaleFlows[]) => void): void {
    for (const { transaction: step, staleFlows } of steps) {
      this.#commit(step);
      if (staleFlows.length > 0) onStale(staleFlows);
    }
  }

  #commit(step: Transaction): void {
    if (step.operations.length > 0) this.#socket.commit(step);
  }
}
