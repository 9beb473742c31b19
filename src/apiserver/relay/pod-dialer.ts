import type { Duplex } from 'node:stream';

/** Opens a connection to an address of the cluster network, which this process need not be in. */
export type PodDialer = (address: string, port: number) => Promise<Duplex>;
