import { formatCidr } from '#base/cidr.ts';
import type { IpFamily } from '#base/ip.ts';
import type { RulesetSettings } from '../settings.ts';
import { INVALID_DROPPED, ruleText, type RuleParts } from './rule.ts';

export type TableName = 'filter' | 'nat' | 'mangle';

export const MARK_CHAIN = 'KUBE-MARK-MASQ';
/** Marks what does not come from Pods, where their addresses come from several ranges. */
export const MARK_OUTSIDE_CHAIN = 'KUBE-MARK-OUTSIDE';
/** Empty, one in each table: gone when somebody has emptied the table. */
export const CANARY_CHAIN = 'KUBE-PROXY-CANARY';

/** A rule of ours in a chain of the kernel. */
export interface Jump {
  readonly table: TableName;
  readonly from: string;
  readonly rule: string;
}

interface JumpParts {
  readonly table: TableName;
  readonly from: readonly string[];
  readonly to: string;
  readonly comment?: string;
  readonly isForNew?: boolean;
}

/** In the order in which they are made, each before those that are there. */
const jumpParts: readonly JumpParts[] = [
  {
    table: 'filter',
    from: ['INPUT', 'FORWARD'],
    to: 'KUBE-EXTERNAL-SERVICES',
    comment: 'kubernetes externally-visible service portals',
    isForNew: true,
  },
  { table: 'filter', from: ['INPUT'], to: 'KUBE-NODEPORTS', comment: 'kubernetes health check service ports' },
  {
    table: 'filter',
    from: ['FORWARD', 'OUTPUT'],
    to: 'KUBE-SERVICES',
    comment: 'kubernetes service portals',
    isForNew: true,
  },
  { table: 'filter', from: ['FORWARD'], to: 'KUBE-FORWARD', comment: 'kubernetes forwarding rules' },
  {
    table: 'filter',
    from: ['INPUT', 'OUTPUT', 'FORWARD'],
    to: 'KUBE-PROXY-FIREWALL',
    comment: 'kubernetes load balancer firewall',
    isForNew: true,
  },
  { table: 'nat', from: ['OUTPUT', 'PREROUTING'], to: 'KUBE-SERVICES', comment: 'kubernetes service portals' },
  { table: 'nat', from: ['POSTROUTING'], to: 'KUBE-POSTROUTING', comment: 'kubernetes postrouting rules' },
  // The kubelet has these, too.
  { table: 'filter', from: ['INPUT', 'OUTPUT'], to: 'KUBE-FIREWALL' },
];

/** The comment comes after the state in these. */
export const jumps: readonly Jump[] = jumpParts.flatMap(({ table, from, to, comment, isForNew = false }) => {
  const said = comment === undefined ? [] : [`-m comment --comment "${comment}"`];
  const matches = [...(isForNew ? ['-m conntrack --ctstate NEW'] : []), ...said];
  return from.map((chain) => ({ table, from: chain, rule: ruleText({ matches, target: to }) }));
});

/** Chains of ours that are there whatever Services there are, with the rules that do not come from Services. */
export interface BaseChain {
  readonly table: TableName;
  readonly name: string;
  /** Behind those of Services. */
  readonly rules: readonly string[];
}

export function baseChains(family: IpFamily, settings: RulesetSettings): readonly BaseChain[] {
  const mark = formatMark(settings.mark);
  const isMarked = `-m mark --mark ${mark}/${mark}`;
  const nat = (name: string, ...rules: readonly string[]): BaseChain => ({ table: 'nat', name, rules });
  const filter = (name: string, ...rules: readonly string[]): BaseChain => ({ table: 'filter', name, rules });
  const pods = podMatches(settings, family);
  return [
    filter('KUBE-SERVICES'),
    filter('KUBE-EXTERNAL-SERVICES'),
    filter('KUBE-NODEPORTS'),
    filter('KUBE-PROXY-FIREWALL'),
    filter('KUBE-FIREWALL', ...localnetRules(family, settings)),
    filter('KUBE-FORWARD', ...forwardRules(isMarked, settings)),
    filter(CANARY_CHAIN),
    nat('KUBE-SERVICES', ...nodePortRules(family, settings)),
    nat('KUBE-NODEPORTS'),
    nat(
      'KUBE-POSTROUTING',
      ruleText({ matches: [`-m mark ! --mark ${mark}/${mark}`], target: 'RETURN' }),
      // A packet that comes through here again is not masked again.
      ruleText({ target: `MARK --set-xmark ${mark}/0x0` }),
      ruleText({ comment: 'kubernetes service traffic requiring SNAT', target: 'MASQUERADE --random-fully' }),
    ),
    nat(MARK_CHAIN, ruleText({ target: `MARK --set-xmark ${mark}/${mark}` })),
    ...(pods.length > 1
      ? [
          nat(
            MARK_OUTSIDE_CHAIN,
            ...pods.map((match) => ruleText({ ...match, target: 'RETURN' })),
            ruleText({ target: MARK_CHAIN }),
          ),
        ]
      : []),
    nat(CANARY_CHAIN),
    { table: 'mangle', name: CANARY_CHAIN, rules: [] },
  ];
}

/** What tells packets of Pods from all others, one match or several; none where nothing is known of Pods. */
export function podMatches(settings: RulesetSettings, family: IpFamily): readonly RuleParts[] {
  const { podCidrs, podInterface } = settings;
  if (podInterface !== undefined) return [{ input: `${podInterface.name}${podInterface.isPrefix ? '+' : ''}` }];
  return podCidrs.filter((cidr) => cidr.family === family).map((cidr) => ({ source: formatCidr(cidr) }));
}

/** The opposite of one of those. */
export function negated({ source, input }: RuleParts): RuleParts {
  return source === undefined ? { input: `! ${input}` } : { source: `! ${source}` };
}

function forwardRules(isMarked: string, { isConntrackLiberal, hasCounters }: RulesetSettings): readonly string[] {
  const counter = hasCounters === true ? INVALID_DROPPED : undefined;
  const invalid = ruleText({ matches: ['-m conntrack --ctstate INVALID'], counter, target: 'DROP' });
  return [
    // Untranslated it would reach the client, which would reset the connection that it strayed from.
    ...(isConntrackLiberal ? [] : [invalid]),
    ruleText({ comment: 'kubernetes forwarding rules', matches: [isMarked], target: 'ACCEPT' }),
    ruleText({
      comment: 'kubernetes forwarding conntrack rule',
      matches: ['-m conntrack --ctstate RELATED,ESTABLISHED'],
      target: 'ACCEPT',
    }),
  ];
}

/** NodePorts at 127.0.0.1 need route_localnet, which opens what listens there to the neighbours (CVE-2020-8558). */
function localnetRules(family: IpFamily, settings: RulesetSettings): readonly string[] {
  if (family === 6 || !settings.hasLocalhost) return [];
  const isForeign = settings.isLocalhostShared === true ? ['-m addrtype ! --src-type LOCAL'] : [];
  return [
    ruleText({
      source: '! 127.0.0.0/8',
      destination: '127.0.0.0/8',
      comment: 'block incoming localnet connections',
      matches: [...isForeign, '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT'],
      target: 'DROP',
    }),
  ];
}

/** IPv6 has no route_localnet: there they never answer at the loopback. */
function nodePortRules(family: IpFamily, settings: RulesetSettings): readonly string[] {
  const comment = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain';
  const isLocal = '-m addrtype --dst-type LOCAL';
  const target = 'KUBE-NODEPORTS';
  const ranges = settings.nodePortRanges.filter((range) => range.family === family);
  const rule = (destination: string | undefined): string =>
    ruleText({ destination, comment, matches: [isLocal], target });
  if (ranges.some(({ prefix }) => prefix === 0)) {
    if (family === 6) return [rule('! ::1/128')];
    return [rule(settings.hasLocalhost ? undefined : '! 127.0.0.0/8')];
  }
  const bits = family === 4 ? 32 : 128;
  const chosen = ranges.map((range) =>
    range.prefix === bits ? ruleText({ destination: formatCidr(range), comment, target }) : rule(formatCidr(range)),
  );
  return family === 4 && settings.hasLocalhost ? [...chosen, rule('127.0.0.0/8')] : chosen;
}

function formatMark(mark: number): string {
  return `0x${mark.toString(16)}`;
}
