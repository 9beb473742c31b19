import type { IpFamily } from '#base/ip.ts';
import type { Frontend } from './frontend.ts';
import { familyOf } from './service-ports.ts';

export type Traffic = 'internal' | 'external';

/** `4/internal`, and the port of the Service. */
type Gap = readonly [`${IpFamily}/${Traffic}`, string];

/**
 * Ports of Services that have endpoints, but none where a policy Local allows them: connections to them are dropped, which
 * somebody may not have meant. The gauge sync_proxy_rules_no_local_endpoints_total of kube-proxy.
 */
export class LocalGaps {
  readonly #byService = new Map<string, readonly Gap[]>();

  set(service: string, frontends: readonly Frontend[]): void {
    const gaps = frontends.filter(isGap).map(gapOf);
    if (gaps.length > 0) this.#byService.set(service, gaps);
    else this.#byService.delete(service);
  }

  count(family: IpFamily, traffic: Traffic): number {
    let count = 0;
    for (const gaps of this.#byService.values()) {
      count += new Set(gaps.flatMap(([where, port]) => (where === `${family}/${traffic}` ? [port] : []))).size;
    }
    return count;
  }
}

function isGap({ policy, backends, whenEmpty }: Frontend): boolean {
  return policy === 'Local' && backends.length === 0 && whenEmpty === 'drop';
}

function gapOf({ kind, address, service, protocol }: Frontend): Gap {
  return [`${familyOf(address)}/${kind === 'cluster' ? 'internal' : 'external'}`, `${service} ${protocol}`];
}
