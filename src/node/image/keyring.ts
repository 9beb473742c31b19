import type { Credentials } from './credentials.ts';
import type { ImageReference } from './reference.ts';

export interface KeyringAnswer {
  /** To be tried in this order. */
  readonly credentials: readonly Credentials[];
  /** Why there might be more, for who is refused. */
  readonly problems: readonly string[];
}

/** Who this machine's user is to a registry, or a mirror of one. */
export type Keyring = (reference: ImageReference) => Promise<KeyringAnswer>;

export const emptyKeyring: Keyring = () => Promise.resolve({ credentials: [], problems: [] });
