import type { IpFamily } from '#base/ip.ts';
import type { FamilyRules, OnStale } from '../dataplane.ts';
import type { FlowCleaner } from '../flow-sync.ts';
import type { FrontendChange } from '../frontend.ts';
import type { RulesetSettings } from '../settings.ts';
import type { RuleFigures } from '../sync-observer.ts';
import type { TableName } from './base-rules.ts';
import type { IptablesCommands } from './commands-sync.ts';
import type { PacketCounters } from './packet-counters-sync.ts';
import { IptablesPlan } from './plan.ts';
import { probeIptables } from './probe-sync.ts';
import { rulesWritten } from './restore-writer.ts';
import { resyncText } from './resync.ts';
import { parseSavedTable, type SavedTable } from './saved-table.ts';

/** One family's rules in the tables of iptables. */
export class IptablesTables implements FamilyRules {
  settings: RulesetSettings;
  readonly #commands: IptablesCommands;
  readonly #flows: FlowCleaner;
  readonly #family: IpFamily;
  #plan: IptablesPlan | undefined;
  #isProbed = false;
  readonly #counters: PacketCounters | undefined;
  #counts: RuleFigures['iptables'];

  constructor(
    commands: IptablesCommands,
    flows: FlowCleaner,
    settings: RulesetSettings,
    counters: PacketCounters | undefined = undefined,
  ) {
    this.#commands = commands;
    this.#counters = counters;
    this.#flows = flows;
    this.#family = commands.family;
    this.settings = settings;
  }

  get figures(): RuleFigures {
    return { iptables: this.#counts, packets: this.#counters?.read() };
  }

  async resync(changes: readonly FrontendChange[]): Promise<void> {
    this.#plan = undefined;
    if (!this.#isProbed) await probeIptables(this.#commands);
    this.#isProbed = true;
    const hasCounters = (await this.#counters?.prepare(this.#commands)) ?? false;
    const plan = new IptablesPlan(this.#family, { ...this.settings, hasCounters });
    plan.load(changes);
    await this.#restore(plan, resyncText(plan.wanted(), await this.#save()));
    this.#flows.deleteMisled(this.#family, plan.frontends());
    this.#plan = plan;
  }

  async apply(changes: readonly FrontendChange[], onStale: OnStale): Promise<void> {
    const plan = this.#plan;
    if (plan === undefined) throw new Error('Cannot apply changes: the tables have not been read yet');
    this.#plan = undefined;
    const { text, staleFlows } = plan.apply(changes);
    await this.#restore(plan, text);
    this.#plan = plan;
    onStale(staleFlows);
  }

  async #restore(plan: IptablesPlan, text: string): Promise<void> {
    if (text !== '') await this.#commands.restore(text);
    const { filter, nat } = plan.ruleCounts;
    const written = rulesWritten(text);
    this.#counts = { filter: { total: filter, last: written.filter }, nat: { total: nat, last: written.nat } };
  }

  async #save(): Promise<Record<TableName, SavedTable>> {
    const save = async (table: TableName): Promise<SavedTable> => parseSavedTable(await this.#commands.save(table));
    const [filter, nat, mangle] = await Promise.all([save('filter'), save('nat'), save('mangle')]);
    return { filter, nat, mangle };
  }
}
