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
import type { Plane, Ruleset } from './ruleset.ts';
import { protocolNumbers } from './step-writer.ts';

/** What the sets say of one frontend, before it is known whether that makes sense. */
export interface Draft {
  readonly plane: Plane;
  readonly list: ListName;
  count: Count | undefined;
  /** One count is all that makes sense. */
  others: Count[] | undefined;
  /** As they were read; absent while nothing was. */
  slots: DraftSlots | undefined;
  /** Instead of those that were read, where a note says that they are the ones wanted. */
  asWanted: SlotList | undefined;
  isRefused: boolean;
  guard: string | undefined;
  note: string | undefined;
}

/** How many backends a frontend of that kind has, as its count map says. */
export interface Count {
  readonly kind: FrontendKind;
  readonly priority: number;
}

export interface DraftSlots {
  readonly backends: Backend[];
  /** With session affinity a slot holds an id. */
  readonly ids: number[];
  readonly byId: Map<number, Backend>;
}

export interface SlotList {
  /** Whose the note says they are; absent where they were not taken by it. */
  readonly noted?: string | undefined;
  readonly backends: readonly Backend[];
  readonly ids: ReadonlyMap<string, number> | undefined;
}

export function emptyDraft(plane: Plane, list: ListName): Draft {
  return {
    plane,
    list,
    count: undefined,
    others: undefined,
    slots: undefined,
    asWanted: undefined,
    isRefused: false,
    guard: undefined,
    note: undefined,
  };
}

/** To put into: made where there are none, since mostly nothing has to be read. */
export function slotsIn(draft: Draft): DraftSlots {
  return (draft.slots ??= { backends: [], ids: [], byId: new Map() });
}

/** Takes in what a count map says; false for what it said before. */
export function noteCount(draft: Draft, count: Count): boolean {
  if (draft.count === undefined) draft.count = count;
  else {
    if (countsOf(draft).some(({ kind }) => kind === count.kind)) return false;
    (draft.others ??= []).push(count);
  }
  return true;
}

export function countsOf({ count, others = [] }: Draft): readonly Count[] {
  return count === undefined ? others : [count, ...others];
}

export class Drafts {
  readonly byFrontend: Map<FrontendId, Draft> = new Map();
  /** By a number made of the key: where a frontend has many elements, text is only made for the first. */
  readonly #byKey = new Map<number, Draft>();
  readonly #rules: Ruleset;

  constructor(rules: Ruleset) {
    this.#rules = rules;
  }

  /** The draft of the frontend at the start of the key of one of its slots; undefined where no frontend of ours is. */
  ofSlot(plane: Plane, key: Uint8Array, list: ListName): Draft | undefined {
    const number = keyNumber(plane, key, list);
    const known = number === undefined ? undefined : this.#byKey.get(number);
    if (known !== undefined) return known;
    const draft = this.ofFrontend(plane, key, list);
    if (number !== undefined && draft !== undefined) this.#byKey.set(number, draft);
    return draft;
  }

  /** The draft of the frontend that a key is. */
  ofFrontend(plane: Plane, key: Uint8Array, list: ListName): Draft | undefined {
    const id = readFrontend(this.#rules, plane, key, list);
    if (id === undefined) return undefined;
    let draft = this.byFrontend.get(id);
    if (draft === undefined) {
      draft = emptyDraft(plane, list);
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
  const address = at === 0 ? any : formatAddress(key, at);
  return frontendId(address, protocol, readPort(key, at + 4), list);
}

export function readBackend(rules: Ruleset, data: Uint8Array): Backend {
  const { addressLength } = rules;
  const address = formatAddress(data, addressLength);
  return { address, port: readPort(data, addressLength), isLocal: false };
}

function readPort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
