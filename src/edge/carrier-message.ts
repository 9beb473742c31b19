import type { IpFamily } from '#base/ip.ts';
import type { EdgeProtocol, Target } from './host-port.ts';

/** To the thread that carries connections between the host and the cluster's network. */
export type ToCarrier =
  /** `fd` is a socket that is bound on the host; the thread that gets it owns it. */
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly protocol: EdgeProtocol;
      readonly family: IpFamily;
      readonly fd: number;
      readonly targets: readonly Target[];
    }
  | { readonly kind: 'aim'; readonly id: number; readonly targets: readonly Target[] }
  /** No new connections; those there are go on. */
  | { readonly kind: 'close'; readonly id: number }
  /** What goes to this address from the network of the control plane is for that node. */
  | { readonly kind: 'route'; readonly address: string; readonly via: string };

/** What failed concerns no port, but a route. */
export const NO_PORT = 0;

export type FromCarrier =
  /** Once: from now on it owns what it is handed. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly message: string };
