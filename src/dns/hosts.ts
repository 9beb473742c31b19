import { type Address, parseAddress } from './address.ts';
import { wireName, type WireName } from './name.ts';

/** Names and addresses of a file like hosts(5), by each other. */
export interface Hosts {
  readonly addresses: ReadonlyMap<WireName, readonly Address[]>;
  readonly names: ReadonlyMap<Address, readonly WireName[]>;
}

/** Lines of an address and its names; what cannot be read is left out, as resolvers do. */
export function parseHosts(text: string): Hosts {
  const addresses = new Map<WireName, Address[]>();
  const names = new Map<Address, WireName[]>();
  for (const line of text.split('\n')) {
    const [first = '', ...rest] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = parseAddress(first.replace(/%.*/, ''));
    if (address === undefined) continue;
    for (const word of rest) {
      const name = wireName(word);
      if (name === undefined || name === '\0') continue;
      add(addresses, name, address);
      add(names, address, name);
    }
  }
  return { addresses, names };
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else if (!known.includes(value)) known.push(value);
}
