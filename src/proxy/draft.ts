import { formatAddress } from '#nftables/address.ts';
import {
  ANY_ADDRESS,
  frontendId,
  type Backend,
  type FrontendId,
  type FrontendKind,
  type ListName,
  type Protocol,
} from './frontend.ts';
import { readWord } from './pick.ts';
import { type Plane, type Ruleset } from './ruleset.ts';
import { protocolNumbers } from './step-writer.ts';

/** What the sets say of one frontend, before it is known whether that makes sense. */
export interface Draft {
  readonly plane: Plane;
  readonly list: ListName;
  /** The frontend as the kernel writes it. */
  readonly key: Uint8Array;
  readonly counts: Map<FrontendKind, number>;
  readonly slots: Backend[];
  /** Instead of those that were read, where a note says that they are the ones wanted. */
  asWanted: readonly Backend[] | undefined;
  readonly slotIds: number[];
  readonly byId: Map<number, Backend>;
  isRefused: boolean;
  guard: string | undefined;
  note: string | undefined;
}

export class Drafts {
  readonly byFrontend: Map<FrontendId, Draft> = new Map();
  /** By a number made of the key: text is only made once a frontend, not once an element. */
  readonly #byKey = new Map<number, Draft>();
  readonly #rules: Ruleset;

  constructor(rules: Ruleset) {
    this.#rules = rules;
  }

  /** The draft of the frontend at the start of a key; undefined where no frontend of ours is. */
  of(plane: Plane, key: Uint8Array, list: ListName): Draft | undefined {
    const number = keyNumber(plane, key, list);
    const known = number === undefined ? undefined : this.#byKey.get(number);
    if (known !== undefined) return known;
    const draft = this.#find(plane, key, list);
    if (number !== undefined && draft !== undefined) this.#byKey.set(number, draft);
    return draft;
  }

  #find(plane: Plane, key: Uint8Array, list: ListName): Draft | undefined {
    const id = readFrontend(this.#rules, plane, key, list);
    if (id === undefined) return undefined;
    let draft = this.byFrontend.get(id);
    if (draft === undefined) {
      draft = {
        plane,
        list,
        key: key.slice(0, plane.frontendLength),
        counts: new Map(),
        slots: [],
        asWanted: undefined,
        slotIds: [],
        byId: new Map(),
        isRefused: false,
        guard: undefined,
        note: undefined,
      };
      this.byFrontend.set(id, draft);
    }
    return draft;
  }
}

/** Address, protocol, port and list in 52 bits; undefined for what does not fit. A NodePort is at address 0.0.0.0. */
function keyNumber(plane: Plane, key: Uint8Array, list: ListName): number | undefined {
  if (plane.frontendLength > 12) return undefined;
  const isPort = plane.name === 'port';
  const at = isPort ? 0 : 4;
  const protocol = protocolOrder.indexOf(key[at] ?? 0);
  if (protocol < 0) return undefined;
  const address = isPort ? 0 : readWord(key);
  const variant = protocol * 2 + (list === 'local' ? 1 : 0);
  return (address * 0x10000 + readPort(key, at + 4)) * 8 + variant;
}

const protocolOrder = Object.values(protocolNumbers);
const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name as Protocol]));

function readFrontend(rules: Ruleset, plane: Plane, key: Uint8Array, list: ListName): FrontendId | undefined {
  const at = plane.name === 'address' ? rules.addressLength : 0;
  const protocol = protocolNames.get(key[at] ?? 0);
  if (protocol === undefined) return undefined;
  const any = ANY_ADDRESS[rules.family === 'ip' ? 4 : 6];
  const address = at === 0 ? any : formatAddress(key.subarray(0, at));
  return frontendId(address, protocol, readPort(key, at + 4), list);
}

export function readBackend(rules: Ruleset, data: Uint8Array): Backend {
  const { addressLength } = rules;
  const address = formatAddress(data.subarray(0, addressLength));
  return { address, port: readPort(data, addressLength), isLocal: false };
}

function readPort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
