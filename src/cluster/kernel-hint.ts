import { errorCode } from '#base/errors.ts';

/** What the kernel says when it was built without a thing, or has it as a module that is not loaded. */
const ABSENT = new Set(['EOPNOTSUPP', 'EPROTONOSUPPORT', 'EAFNOSUPPORT', 'ENOENT', 'ENODEV', 'ENOSYS']);

const MODULES: readonly (readonly [RegExp, string, string])[] = [
  [/bridge/i, 'bridges', 'bridge'],
  [/veth/i, 'veth links', 'veth'],
  [
    /table|chain|rule|\bset\b|element|batch|netlink|socket of family 16|send \d+ bytes/i,
    'nftables',
    'nf_tables nft_chain_nat nft_numgen nft_reject_ipv4 nft_masq',
  ],
  [/mount/i, 'overlay file systems', 'overlay'],
];

/** What to do about an error that means that the kernel lacks a feature; undefined for every other error. */
export function kernelHint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !ABSENT.has(errorCode(error) ?? '')) return undefined;
  const found = MODULES.find(([pattern]) => pattern.test(error.message));
  if (found === undefined) return undefined;
  const [, feature, modules] = found;
  return `the kernel seems to lack ${feature}: load them with \`modprobe -a ${modules}\` as root, or use a kernel that has them`;
}
