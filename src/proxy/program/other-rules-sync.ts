import { NftablesSocket } from '#nftables/nftables-socket.ts';

const FAMILIES = ['ip', 'ip6'] as const;
const OF_KUBE_PROXY = 'kube-proxy';

/** kube-proxy's, of its mode nftables and of its mode iptables where the programs are those that use nf_tables. */
export function rulesOfOthers(socket: NftablesSocket): readonly string[] {
  const chains = FAMILIES.filter((family) => socket.chainNames(family, 'nat').includes('KUBE-SERVICES'));
  return [...tablesIn(socket), ...chains.map((family) => `chains KUBE-* in table ${family} nat`)];
}

/** Of its mode nftables; none in a kernel without. */
export function tablesOfKubeProxy(): readonly string[] {
  try {
    using socket = NftablesSocket.open();
    return tablesIn(socket);
  } catch {
    return [];
  }
}

function tablesIn(socket: NftablesSocket): readonly string[] {
  const has = (family: 'ip' | 'ip6'): boolean => socket.chainNames(family, OF_KUBE_PROXY).length > 0;
  return FAMILIES.filter(has).map((family) => `table ${family} ${OF_KUBE_PROXY}`);
}
