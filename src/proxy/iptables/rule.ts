import type { IpFamily } from '#base/ip.ts';
import type { Protocol } from '../frontend.ts';

/** What a rule matches and does; all of it optional. */
export interface RuleParts {
  /** `10.244.0.5/32`, `! 10.244.0.0/16` */
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  /** That the packet came in by: `eth0`, `cni+`, `! eth0`. */
  readonly input?: string | undefined;
  readonly protocol?: Protocol | undefined;
  readonly comment?: string | undefined;
  /** `-m addrtype --dst-type LOCAL`, in the order in which they are asked. */
  readonly matches?: readonly string[];
  /** With `protocol`. */
  readonly port?: number | undefined;
  /** Of nfacct: counts what all before it matches. */
  readonly counter?: string | undefined;
  /** `DNAT --to-destination 10.244.0.5:8080` */
  readonly target?: string | undefined;
}

/**
 * A rule without its chain, word for word as iptables-save prints it: so what the kernel has can be compared with what it
 * should have, as text. iptables-restore takes that, too.
 */
export function ruleText(parts: RuleParts): string {
  const { source, destination, input, protocol, comment, matches = [], port, counter, target } = parts;
  const words: string[] = [];
  if (source !== undefined) words.push(option('-s', source));
  if (destination !== undefined) words.push(option('-d', destination));
  if (input !== undefined) words.push(option('-i', input));
  if (protocol !== undefined) words.push(`-p ${protocol}`);
  if (comment !== undefined) words.push(`-m comment --comment ${quote(comment)}`);
  words.push(...matches);
  if (protocol !== undefined) words.push(port === undefined ? `-m ${protocol}` : `-m ${protocol} --dport ${port}`);
  if (counter !== undefined) words.push(counted(counter));
  if (target !== undefined) words.push(`-j ${target}`);
  return words.join(' ');
}

/** Names that kube-proxy gave them. */
export const INVALID_DROPPED = 'ct_state_invalid_dropped_pkts';
export const LOCALHOST_ACCEPTED = 'localhost_nps_accepted_pkts';

/** The match that counts. */
export function counted(counter: string): string {
  return `-m nfacct --nfacct-name ${counter}`;
}

function option(name: string, value: string): string {
  return value.startsWith('! ') ? `! ${name} ${value.slice(2)}` : `${name} ${value}`;
}

/** #define XT_MAX_COMMENT_LEN 256, with the zero at its end. */
const MAX_COMMENT = 255;

/** Names come from an API server that checked them; what would end the comment or the line is taken out all the same. */
function quote(comment: string): string {
  // eslint-disable-next-line no-control-regex
  return `"${comment.replaceAll(/[\u0000-\u001f"\\]/g, '_').slice(0, MAX_COMMENT)}"`;
}

/** One address as a range. */
export function host(address: string): string {
  return address.includes(':') ? `${address}/128` : `${address}/32`;
}

export function rejectTarget(family: IpFamily): string {
  return `REJECT --reject-with ${family === 4 ? 'icmp' : 'icmp6'}-port-unreachable`;
}

/** The match that one of `n` endpoints is chosen by. The kernel keeps 31 bits of the probability, and prints those. */
export function oneOf(n: number): string {
  const asked = Number((1 / n).toFixed(10));
  const kept = Math.round(asked * 2 ** 31) / 2 ** 31;
  return `-m statistic --mode random --probability ${kept.toFixed(11)}`;
}

const masks = { 4: '255.255.255.255', 6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' } as const;

/** The client was sent to this endpoint less than so many seconds ago. */
export function wasSentTo(chain: string, seconds: number, family: IpFamily): string {
  return `-m recent --rcheck --seconds ${seconds} --reap --name ${chain} --mask ${masks[family]} --rsource`;
}

export function rememberSentTo(chain: string, family: IpFamily): string {
  return `-m recent --set --name ${chain} --mask ${masks[family]} --rsource`;
}
