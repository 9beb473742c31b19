import { CodedError } from '#base/errors.ts';
import { defaultRanges, familiesOf, ownBalancerRanges } from './address-ranges.ts';
import { checkConfig, DEFAULT_CONFIG, membersOf, type ClusterConfig } from './config.ts';
import { planNetwork } from './network-plan.ts';
import { resizeMembers } from './members.ts';
import { isRunning } from './process-table.ts';
import { ensureStateDir, readConfig, readRunInfo, writeConfig, type StateDir } from './state-dir.ts';

/** Settled when the cluster is made: stored objects depend on them. */
const FIXED = ['name', 'serviceCidr', 'podCidr', 'storage'] as const;

/** Settles the configuration and writes it down. Nothing is created when something is wrong. */
export function prepareState(dir: StateDir, asked: Partial<ClusterConfig>): ClusterConfig {
  const config = settleConfig(dir, asked);
  ensureStateDir(dir);
  writeConfig(dir, config);
  return config;
}

/**
 * Joins what was asked for with what the directory holds, and checks it all; writes nothing.
 * @throws CodedError for a running cluster, a bad or changed setting, or a directory of a later version
 */
export function settleConfig(dir: StateDir, asked: Partial<ClusterConfig>): ClusterConfig {
  const stored = readConfig(dir);
  const info = readRunInfo(dir);
  if (info !== undefined && isRunning(info)) {
    const name = stored?.name ?? DEFAULT_CONFIG.name;
    throw new CodedError('ERUNNING', `Cannot start cluster "${name}": it is already running`, {
      hint: `use it as it is, stop it with clusterip down, or start another with --name`,
    });
  }
  for (const field of FIXED) {
    if (stored === undefined || asked[field] === undefined || asked[field] === stored[field]) continue;
    const flag = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new CodedError(
      'ECONFIG',
      `Cannot change --${flag} of cluster "${stored.name}" from ${stored[field]} to ${asked[field]}: its objects use it`,
      { hint: 'start another with --name, or start afresh after clusterip down --purge' },
    );
  }
  const ranges = chosenRanges(dir, { ...stored, ...asked });
  const { leaving: earlier = [], ...merged } = { ...DEFAULT_CONFIG, ...ranges, ...stored, ...asked };
  const members = merged.members && resizeMembers(merged.members, merged.nodes);
  const config = members === undefined ? merged : { ...merged, members };
  checkConfig(config);
  planNetwork(config);
  const staying = namesOf(config);
  // Some may be left of a start that failed.
  const leaving = [...earlier, ...(stored === undefined ? [] : namesOf(stored))].filter(
    (name) => !staying.includes(name),
  );
  return leaving.length === 0 ? config : { ...config, leaving };
}

function namesOf(config: ClusterConfig): readonly string[] {
  return membersOf(config).map(({ name }) => name);
}

/** Ranges that nobody chose: of the families of those that somebody did. */
function chosenRanges(dir: StateDir, { serviceCidr, podCidr }: Partial<ClusterConfig>): Partial<ClusterConfig> {
  const families = familiesOf(serviceCidr ?? podCidr ?? DEFAULT_CONFIG.serviceCidr);
  return {
    serviceCidr: defaultRanges('service', families),
    podCidr: defaultRanges('pod', families),
    loadBalancerCidr: ownBalancerRanges(dir.path, families),
  };
}
