import type { IpFamily } from '#base/ip.ts';
import type { Dataplane } from './dataplane.ts';
import type { FlowCleaner } from './flow-sync.ts';
import { IptablesCommands, type IptablesOptions } from './iptables/commands-sync.ts';
import { IptablesGuardian } from './iptables/guardian-sync.ts';
import { PacketCounters } from './iptables/packet-counters-sync.ts';
import { IptablesTables } from './iptables/tables-sync.ts';
import type { RulesetSettings } from './settings.ts';
import { TableGuardian, type GuardianOptions } from './table-guardian-sync.ts';
import { TableSync } from './table-sync.ts';

export interface DataplaneOptions extends Omit<GuardianOptions, 'socket'> {
  readonly socket?: GuardianOptions['socket'] | undefined;
  readonly iptables?: IptablesOptions | undefined;
  readonly flows: FlowCleaner;
}

/** The mode that the options choose by what they bring. */
export function openDataplane(options: DataplaneOptions, settings: RulesetSettings): Dataplane {
  const { socket, iptables, families } = options;
  if (iptables !== undefined) return openIptables(options, iptables, settings);
  if (socket === undefined) throw new TypeError('Cannot program Services: there is no nftables socket');
  const rules = new Map(families.map((family: IpFamily) => [family, new TableSync(socket, family, settings)]));
  return { rules, guardian: new TableGuardian({ ...options, socket, audited: [...rules.values()] }) };
}

function openIptables(
  { families, flows, watch, clock, log, repair }: DataplaneOptions,
  iptables: IptablesOptions,
  settings: RulesetSettings,
): Dataplane {
  const commands = families.map((family) => new IptablesCommands(family, iptables));
  const counters = iptables.counters === undefined ? undefined : new PacketCounters(iptables.counters);
  const tables = commands.map((one) => new IptablesTables(one, flows, settings, counters));
  return {
    rules: new Map(tables.map((one, i) => [families[i] ?? 4, one])),
    guardian: new IptablesGuardian({ commands, watch, clock, log, repair }),
  };
}
