import { readFileSync } from 'node:fs';
import { forgetPages, mallocTrim } from '#netlink/native.ts';

/**
 * Gives back what only the start needed: memory that is free again, and the pages of the program's own files, of which it has
 * looked at 50 MB by then and needs less than half. Those that it does need the kernel maps again, without reading anything.
 */
export function trimMemory(): void {
  mallocTrim();
  try {
    for (const { start, end } of cleanFileMappings(readFileSync('/proc/self/smaps', 'latin1'))) {
      forgetPages(start, end - start);
    }
  } catch {
    // Not every kernel has the file, nor every sandbox the call: then the pages stay.
  }
}

/** Private mappings of files that nothing was ever written to: code and constants. See proc_pid_smaps(5). */
export function cleanFileMappings(smaps: string): readonly { readonly start: bigint; readonly end: bigint }[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((mapping) => {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ [1-9]\d* +\//.exec(mapping) ?? [];
    if (start === undefined || !/^Anonymous: +0 kB$/m.test(mapping) || /^VmFlags:.* lo\b/m.test(mapping)) return [];
    return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
  });
}
