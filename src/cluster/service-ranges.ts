import { formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { serviceCidrs } from '#api/resource.ts';
import type { Informers } from '#client/informers.ts';

/**
 * Tells of the ranges that cluster addresses come from, those of the configuration first, whenever ServiceCIDRs come or
 * go at run time. One that is going counts until it is gone: Services in it go on.
 */
export async function followServiceRanges(
  informers: Informers,
  configured: readonly Cidr[],
  signal: AbortSignal,
  tell: (ranges: readonly Cidr[]) => void,
): Promise<void> {
  const informer = informers.for(serviceCidrs);
  let told = configured.map(formatCidr).join();
  const changed = (): void => {
    const ranges = new Map(configured.map((range) => [formatCidr(range), range]));
    for (const { spec } of informer.list()) {
      for (const range of (spec?.cidrs ?? []).flatMap((text) => parseCidr(text) ?? [])) {
        ranges.set(formatCidr(range), range);
      }
    }
    const text = [...ranges.keys()].join();
    if (text === told) return;
    told = text;
    tell([...ranges.values()]);
  };
  informer.start(signal);
  await informer.synced;
  informer.on({ added: changed, updated: changed, deleted: changed });
}
