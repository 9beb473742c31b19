import { type IpFamily } from '#base/ip.ts';
import { type Dataplane } from './dataplane.ts';
import { type RulesetSettings } from './settings.ts';
import { TableGuardian, type GuardianOptions } from './table-guardian-sync.ts';
import { TableSync } from './table-sync.ts';

export interface DataplaneOptions extends Omit<GuardianOptions, 'socket'> {
  readonly socket?: GuardianOptions['socket'] | undefined;
}

/** The mode that the options choose by what they bring. */
export function openDataplane(options: DataplaneOptions, settings: RulesetSettings): Dataplane {
  const { socket, families } = options;
  if (socket === undefined) throw new TypeError('Cannot program Services: there is no nftables socket');
  return {
    rules: new Map(families.map((family: IpFamily) => [family, new TableSync(socket, family, settings)])),
    guardian: new TableGuardian({ ...options, socket }),
  };
}
