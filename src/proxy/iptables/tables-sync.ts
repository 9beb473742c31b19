import { errorMessage } from '#base/errors.ts';
import { type IpFamily } from '#base/ip.ts';
import { type Log } from '#base/log.ts';
import { IPPROTO_UDP } from '#netlink/conntrack.ts';
import { type ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { type FamilyRules, type OnStale } from '../dataplane.ts';
import { misledFlows } from '../flows.ts';
import { type Frontend, type FrontendChange } from '../frontend.ts';
import { type RulesetSettings } from '../settings.ts';
import { type TableName } from './base-rules.ts';
import { type IptablesCommands } from './commands-sync.ts';
import { IptablesPlan } from './plan.ts';
import { probeIptables } from './probe-sync.ts';
import { resyncText } from './resync.ts';
import { parseSavedTable, type SavedTable } from './saved-table.ts';

export interface IptablesTablesOptions {
  readonly commands: IptablesCommands;
  readonly conntrack?: ConntrackSocket | undefined;
  readonly log: Log;
}

/** One family's rules in the tables of iptables. */
export class IptablesTables implements FamilyRules {
  settings: RulesetSettings;
  readonly #options: IptablesTablesOptions;
  readonly #family: IpFamily;
  #plan: IptablesPlan | undefined;
  #isProbed = false;

  constructor(options: IptablesTablesOptions, settings: RulesetSettings) {
    this.#options = options;
    this.#family = options.commands.family;
    this.settings = settings;
  }

  async resync(changes: readonly FrontendChange[]): Promise<void> {
    const { commands } = this.#options;
    this.#plan = undefined;
    if (!this.#isProbed) await probeIptables(commands);
    this.#isProbed = true;
    const plan = new IptablesPlan(this.#family, this.settings);
    plan.load(changes);
    const text = resyncText(plan.wanted(), await this.#save());
    if (text !== '') await commands.restore(text);
    this.#deleteMisled(plan.frontends());
    this.#plan = plan;
  }

  async apply(changes: readonly FrontendChange[], onStale: OnStale): Promise<void> {
    const plan = this.#plan;
    if (plan === undefined) throw new Error('Cannot apply changes: the tables have not been read yet');
    this.#plan = undefined;
    const { text, staleFlows } = plan.apply(changes);
    if (text !== '') await this.#options.commands.restore(text);
    this.#plan = plan;
    if (staleFlows.length > 0) onStale(staleFlows);
  }

  async #save(): Promise<Record<TableName, SavedTable>> {
    const { commands } = this.#options;
    const save = async (table: TableName): Promise<SavedTable> => parseSavedTable(await commands.save(table));
    const [filter, nat, mangle] = await Promise.all([save('filter'), save('nat'), save('mangle')]);
    return { filter, nat, mangle };
  }

  /** Nobody knows what changed since the last rules: the connection table itself has to say. */
  #deleteMisled(frontends: readonly Frontend[]): void {
    const { conntrack, log } = this.#options;
    if (conntrack === undefined || !frontends.some(({ protocol }) => protocol === 'udp')) return;
    try {
      conntrack.delete(misledFlows(frontends, conntrack.list(this.#family, { protocol: IPPROTO_UDP })));
    } catch (error) {
      // The rules are right all the same: only flows that exist already go on to nowhere.
      log.warn('stale flows not deleted', { error: errorMessage(error) });
    }
  }
}
