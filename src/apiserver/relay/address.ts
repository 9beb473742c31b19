import { isIPv4, isIPv6 } from 'node:net';

/** Loopback, link-local and multicast addresses are not in the cluster, whatever a status says. */
export function isProxyable(address: string): boolean {
  if (isIPv4(address)) return !/^(?:127\.|169\.254\.|0\.|22[4-9]\.|23\d\.|255\.255\.255\.255$)/.test(address);
  return isIPv6(address) && !/^(?:::1?$|fe[89ab]|ff)/i.test(address);
}

export function formatHostPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
