import type { PodDNSConfig } from '#api/generated/types.ts';

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ResolvConfSpec {
  readonly namespace: string;
  readonly policy: string | undefined;
  readonly hostNetwork: boolean;
  readonly config: PodDNSConfig | undefined;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The machine's own. */
  readonly machine: ResolvConf;
}

export interface WrittenResolvConf {
  readonly text: string;
  /** What was left out, in a kubelet's words. */
  readonly warnings: readonly string[];
}

/** /etc/resolv.conf of a Pod, with the fields in a kubelet's order. */
export function resolvConf(spec: ResolvConfSpec): WrittenResolvConf {
  const base = byPolicy(spec);
  const { nameservers = [], searches = [], options = [] } = spec.config ?? {};
  const all = {
    nameservers: unique([...base.nameservers, ...nameservers]),
    searches: unique([...base.searches, ...searches]),
    options: mergeOptions(
      base.options,
      options.map(({ name = '', value }) => (value === undefined || value === '' ? name : `${name}:${value}`)),
    ),
  };
  const kept = { ...all, nameservers: all.nameservers.slice(0, MAX_NAMESERVERS), searches: fitting(all.searches) };
  return { text: formatResolvConf(kept), warnings: warningsOf(all, kept) };
}

/** What resolvers take; a kubelet leaves out the rest. */
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2048;
/** With a longer one some resolvers end their process. */
const MAX_SEARCH = 253;

function fitting(searches: readonly string[]): readonly string[] {
  const kept = searches.slice(0, MAX_SEARCHES).filter((search) => search.length <= MAX_SEARCH);
  while (kept.join(' ').length > MAX_SEARCH_CHARACTERS) kept.pop();
  return kept;
}

function warningsOf(all: ResolvConf, kept: ResolvConf): readonly string[] {
  const omitted = (limits: string, what: string, line: string, applied: readonly string[]): string =>
    `${limits} limits were exceeded, some ${what} have been omitted, the applied ${line} line is: ${applied.join(' ')}`;
  return [
    ...(kept.nameservers.length < all.nameservers.length
      ? [omitted('Nameserver', 'nameservers', 'nameserver', kept.nameservers)]
      : []),
    ...(kept.searches.length < all.searches.length
      ? [omitted('Search Line', 'search paths', 'search', kept.searches)]
      : []),
  ];
}

function byPolicy(spec: ResolvConfSpec): ResolvConf {
  const { namespace, clusterDns, clusterDomain, machine } = spec;
  const policy = spec.policy ?? 'ClusterFirst';
  if (policy === 'None') return { nameservers: [], searches: [], options: [] };
  // ClusterFirst in the node's network means Default: the node itself may not depend on the cluster's DNS.
  if (policy === 'Default' || (policy === 'ClusterFirst' && spec.hostNetwork)) {
    // A resolver on the machine's loopback cannot be reached from another network namespace; ours forwards to it.
    const reachable = machine.nameservers.filter((address) => !/^127\.|^::1$/.test(address));
    return { ...machine, nameservers: reachable.length > 0 ? reachable : clusterDns };
  }
  const domains = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return {
    nameservers: clusterDns,
    searches: unique([...domains, ...machine.searches]),
    options: ['ndots:5'],
  };
}

export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let searches: string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver') nameservers.push(...values.slice(0, 1));
    // The last one counts, as in the C library; a single dot is the root, and stands for no search at all. The same domain
    // with its dot is the same domain.
    else if (keyword === 'search') searches = values.filter((value) => value !== '.').map(withoutDot);
    else if (keyword === 'options') options = mergeOptions(options, values);
  }
  return { nameservers, searches, options };
}

const withoutDot = (name: string): string => name.replace(/\.$/, '');

export function formatResolvConf({ nameservers, searches, options }: ResolvConf): string {
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}\n`]),
    ...nameservers.map((address) => `nameserver ${address}\n`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}\n`]),
  ].join('');
}

function mergeOptions(base: readonly string[], more: readonly string[]): readonly string[] {
  const byName = new Map([...base, ...more].map((option) => [option.split(':')[0], option]));
  return [...byName.values()];
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
