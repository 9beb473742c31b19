import { type Address, addressOfDashedLabel } from './address.ts';

/**
 * Whether `10-244-0-5.ns.pod` has an address: never, always (it is in the name), or when a Pod of that namespace has it.
 */
export type PodMode = 'disabled' | 'insecure' | 'verified';

export interface PodAddresses {
  hasPod(address: Address, namespace: string): boolean;
}

export function podAddress(
  mode: PodMode,
  pods: PodAddresses | undefined,
  label: string,
  namespace: string,
): Address | undefined {
  if (mode === 'disabled') return undefined;
  const address = addressOfDashedLabel(label);
  if (address === undefined || mode === 'insecure') return address;
  return pods?.hasPod(address, namespace) === true ? address : undefined;
}
