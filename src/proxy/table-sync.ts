import { type Cidr } from '#base/cidr.ts';
import { errorCode } from '#base/errors.ts';
import { type IpFamily } from '#base/ip.ts';
import { diffTables, type Programmed } from '#nftables/diff.ts';
import { type NftablesSocket, type ProgrammedTable } from '#nftables/nftables-socket.ts';
import { type Table } from '#nftables/table.ts';
import { addChain, transaction, type Transaction } from '#nftables/transaction.ts';
import { readAdoption, type Adoption } from './adopt.ts';
import { type FrontendChange, type FrontendId } from './frontend.ts';
import { Plan, type StaleFlows } from './plan.ts';
import { backendsOfPick, ruleset, rulesetTable, TABLE_NAME, type Ruleset } from './ruleset.ts';

/**
 * How many elements one transaction may come to. Each is applied at once and whole; more than this is cut between
 * frontends, so that a batch fits the send buffer that a socket without privilege has.
 */
const ELEMENTS_PER_STEP = 4000;
/** A hash table that grew is rehashed within milliseconds. */
const MAX_READS = 100;

/** One family's table in the kernel, and the plan that mirrors it. */
export class TableSync {
  readonly #socket: NftablesSocket;
  readonly #ranges: readonly Cidr[];
  readonly #family: IpFamily;
  #plan: Plan | undefined;

  constructor(socket: NftablesSocket, family: IpFamily, ranges: readonly Cidr[]) {
    this.#socket = socket;
    this.#family = family;
    this.#ranges = ranges;
  }

  /** The kernel's table is known, and changes can be applied to it. */
  get isCurrent(): boolean {
    return this.#plan !== undefined;
  }

  /**
   * Brings the whole table to `changes`, which must hold every frontend there is, writing only what differs from what
   * the kernel has. Base chains of a new table come last: no packet meets half of it.
   */
  resync(changes: readonly FrontendChange[], onStale: (flows: readonly StaleFlows[]) => void): void {
    this.#plan = undefined;
    const plan = new Plan(ruleset(this.#family));
    const { family } = plan.rules;
    const before = this.#socket.readTable(family, TABLE_NAME);
    const table = this.#adopt(plan, before);
    const wanted = new Set<FrontendId>(changes.map(({ id }) => id));
    const gone = [...plan.ids()].filter((id) => !wanted.has(id)).map((id) => ({ id, frontend: undefined }));
    this.#apply(plan, [...gone, ...changes], onStale);
    this.#commit(plan.dropUnclaimed());
    if (before === undefined) {
      const hooks = table.chains.filter((chain) => chain.hook !== undefined);
      this.#socket.commit(transaction(family, TABLE_NAME, hooks.flatMap(addChain)));
    }
    this.#plan = plan;
  }

  /** Applies changes one transaction after the other. After an error the table has to be resynced. */
  apply(changes: readonly FrontendChange[], onStale: (flows: readonly StaleFlows[]) => void): void {
    const plan = this.#plan;
    if (plan === undefined) throw new Error('Cannot apply changes: the table has not been read yet');
    this.#plan = undefined;
    this.#apply(plan, changes, onStale);
    this.#plan = plan;
  }

  /** Commits the fixed part of the table and fills the plan with what the kernel has of the rest. */
  #adopt(plan: Plan, before: ProgrammedTable | undefined): Table {
    const { rules } = plan;
    if (before === undefined) {
      const table = rulesetTable(rules, this.#ranges, []);
      const inert = { ...table, chains: table.chains.filter((chain) => chain.hook === undefined) };
      this.#socket.commit(diffTables(inert, undefined));
      return table;
    }
    const picks = before.chains.flatMap(({ name }) => backendsOfPick(name) ?? []);
    const table = rulesetTable(rules, this.#ranges, picks);
    const fixed = diffTables(table, this.#programmed(table, before));
    this.#commit(fixed);
    const { state, repair } = this.#readAdoption(rules, picks);
    this.#commit(repair);
    plan.adopt(state);
    return table;
  }

  #readAdoption(rules: Ruleset, picks: readonly number[]): Adoption {
    for (let attempt = 1; ; attempt++) {
      try {
        return readAdoption(rules, picks, (set, visit) =>
          this.#socket.visitElements(rules.family, TABLE_NAME, set, visit),
        );
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

  #apply(plan: Plan, changes: readonly FrontendChange[], onStale: (flows: readonly StaleFlows[]) => void): void {
    for (const part of partition(plan, changes)) {
      const { transaction: step, staleFlows } = plan.apply(part);
      this.#commit(step);
      if (staleFlows.length > 0) onStale(staleFlows);
    }
  }

  #commit(step: Transaction): void {
    if (step.operations.length > 0) this.#socket.commit(step);
  }
}

function* partition(plan: Plan, changes: readonly FrontendChange[]): Generator<readonly FrontendChange[]> {
  let start = 0;
  let elements = 0;
  for (const [index, { id, frontend }] of changes.entries()) {
    elements += 2 + Math.max(plan.slotsOf(id).length, frontend?.backends.length ?? 0);
    if (elements < ELEMENTS_PER_STEP) continue;
    yield changes.slice(start, index + 1);
    start = index + 1;
    elements = 0;
  }
  if (start < changes.length) yield changes.slice(start);
}
