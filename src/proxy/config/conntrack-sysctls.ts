import type { ConntrackSettings } from './proxy-config.ts';

export interface SysctlStep {
  readonly name: string;
  readonly value: number;
  /** It is written only where what is there is smaller. */
  readonly onlyRaises?: true;
}

/** Buckets of the table of connections for so many of them, as kube-proxy has it: chains of four on the average. */
export function hashBuckets({ maxPerCore, min }: ConntrackSettings, cores: number): number {
  return maxPerCore === 0 ? 0 : Math.floor(Math.max(maxPerCore * cores, min) / 4);
}

/** What kube-proxy sets, and when (cmd/kube-proxy/app/server_linux.go, setupConntrack). */
export function conntrackSysctls(settings: ConntrackSettings, cores: number): readonly SysctlStep[] {
  const { maxPerCore, min, tcpBeLiberal, tcpEstablished, tcpCloseWait, udp, udpStream } = settings;
  const steps: SysctlStep[] = [];
  const set = (name: string, value: number): void => {
    if (value > 0) steps.push({ name: `net.netfilter.nf_conntrack_${name}`, value });
  };
  if (maxPerCore > 0) {
    const value = Math.max(maxPerCore * cores, min);
    steps.push({ name: 'net.netfilter.nf_conntrack_max', value, onlyRaises: true });
  }
  if (tcpBeLiberal) set('tcp_be_liberal', 1);
  set('tcp_timeout_established', tcpEstablished);
  set('tcp_timeout_close_wait', tcpCloseWait);
  set('udp_timeout', udp);
  set('udp_timeout_stream', udpStream);
  return steps;
}
