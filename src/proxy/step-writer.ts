import { writeAddress } from '#nftables/address.ts';
import { BlockWriter } from '#nftables/block-writer.ts';
import { encodeKey, keyLength } from '#nftables/key.ts';
import { dataLayoutOf, layoutOf, type Element, type SetDeclaration } from '#nftables/table.ts';
import { addChain, transaction, type Operation, type Transaction } from '#nftables/transaction.ts';
import {
  isNodePort,
  type Backend,
  type FrontendAddress,
  type FrontendKind,
  type ListName,
  type Protocol,
} from './frontend.ts';
import { guardChain, guardContent, guardElement, type Guard } from './guard.ts';
import { LOCAL_SLOTS, pickChain, pickElement, writeWord, type Pick } from './pick.ts';
import { planeOf, TABLE_NAME, type Plane, type Ruleset } from './ruleset.ts';

/** IPPROTO_* */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

interface Writers {
  readonly add: BlockWriter;
  readonly remove: BlockWriter;
}

/** Collects elements as bytes, set by set, and puts them into the order in which the kernel has to see them. */
export class StepWriter {
  readonly #rules: Ruleset;
  readonly #picks: Pick[] = [];
  readonly #guards: Guard[] = [];
  readonly #guarded: { readonly kind: 'add-elements' | 'delete-elements'; readonly element: Element }[] = [];
  readonly #writers = new Map<SetDeclaration, Writers>();

  constructor(rules: Ruleset) {
    this.#rules = rules;
  }

  /** Elements until now. */
  get count(): number {
    let count = this.#guarded.length;
    for (const { add, remove } of this.#writers.values()) count += add.count + remove.count;
    return count;
  }

  addPick(pick: Pick): void {
    this.#picks.push(pick);
  }

  addGuard(guard: Guard): void {
    this.#guards.push(guard);
  }

  /** Which chain picks a backend; undefined for none. */
  changeCount(
    at: FrontendAddress,
    kind: FrontendKind,
    before: number | undefined,
    after: number | undefined,
    note: string = '',
  ): void {
    const plane = this.#plane(at);
    const set = plane.sets.counts[kind];
    if (before !== undefined) this.#removeFrontend(plane, set, at);
    if (after === undefined) return;
    const { add } = this.#of(set);
    const start = add.next();
    this.#writeFrontend(add, start, plane, at);
    writeWord(add.bytes, start + plane.frontendLength, after);
    add.comment(note);
  }

  changeRefused(at: FrontendAddress, isAdded: boolean): void {
    const plane = this.#plane(at);
    const set = plane.sets.refused;
    if (!isAdded) return this.#removeFrontend(plane, set, at);
    const { add } = this.#of(set);
    this.#writeFrontend(add, add.next(), plane, at);
  }

  /** A slot of a frontend without affinity. */
  changeSlot(at: FrontendAddress, list: ListName, slot: number, before: boolean, after: Backend | undefined): void {
    const plane = this.#plane(at);
    const set = plane.sets.endpoints;
    if (before) this.#writeSlot(this.#of(set).remove, plane, at, list, slot);
    if (after === undefined) return;
    const { add } = this.#of(set);
    this.#writeBackend(add, this.#writeSlot(add, plane, at, list, slot), after);
  }

  /** A slot of a frontend with affinity: it holds an id. */
  changeSlotId(at: FrontendAddress, list: ListName, slot: number, before: boolean, after: number | undefined): void {
    const plane = this.#plane(at);
    const set = plane.sets.slots;
    if (before) this.#writeSlot(this.#of(set).remove, plane, at, list, slot);
    if (after === undefined) return;
    const { add } = this.#of(set);
    const data = this.#writeSlot(add, plane, at, list, slot);
    writeWord(add.bytes, data, after);
  }

  /** What an id stands for; undefined for nothing any more. */
  changeId(at: FrontendAddress, list: ListName, id: number, backend: Backend | undefined): void {
    const plane = this.#plane(at);
    const { add, remove } = this.#of(list === 'local' ? plane.sets.localById : plane.sets.byId);
    const writer = backend === undefined ? remove : add;
    const start = writer.next();
    this.#writeFrontend(writer, start, plane, at);
    const data = start + plane.frontendLength;
    writeWord(writer.bytes, data, id);
    if (backend !== undefined) this.#writeBackend(writer, data + 4, backend);
  }

  changeGuard(at: FrontendAddress, before: string | undefined, after: string | undefined): void {
    const plane = this.#plane(at);
    const key = encodeKey(layoutOf(plane.frontend), [at.address, at.protocol, String(at.port)]);
    if (before !== undefined) this.#guarded.push({ kind: 'delete-elements', element: guardElement(key, before) });
    if (after !== undefined) this.#guarded.push({ kind: 'add-elements', element: guardElement(key, after) });
  }

  changeAddress(set: SetDeclaration, address: string, isAdded: boolean): void {
    const { add, remove } = this.#of(set);
    const writer = isAdded ? add : remove;
    this.#writeIp(writer, writer.next(), address);
  }

  changeHairpin(address: string, isAdded: boolean): void {
    const { add, remove } = this.#of(this.#rules.sets.hairpin);
    const writer = isAdded ? add : remove;
    const start = writer.next();
    this.#writeIp(writer, start, address);
    this.#writeIp(writer, start + this.#rules.addressLength, address);
  }

  /**
   * A chain before the element that goes to it, and what is deleted before what comes under the same key. Slots come
   * before the count that makes them reachable: that matters where a step is too large for one batch.
   */
  finish(): Transaction {
    const { family, sets, order } = this.#rules;
    const operations: Operation[] = this.#chains();
    const writers = [...this.#writers].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    for (const [set, { remove }] of writers.toReversed()) {
      if (remove.count > 0) operations.push({ kind: 'delete-elements', set, elements: remove.finish() });
    }
    for (const { kind, element } of this.#guarded) {
      operations.push({ kind, set: sets.firewall, elements: [element] });
    }
    for (const [set, { add }] of writers) {
      if (add.count > 0) operations.push({ kind: 'add-elements', set, elements: add.finish() });
    }
    return transaction(family, TABLE_NAME, operations);
  }

  #chains(): Operation[] {
    const { sets } = this.#rules;
    const operations: Operation[] = this.#picks.flatMap((pick) => addChain(pickChain(this.#rules, pick)));
    if (this.#picks.length > 0) {
      operations.push({ kind: 'add-elements', set: sets.pick, elements: this.#picks.map(pickElement) });
    }
    for (const guard of this.#guards) {
      const { declaration, elements = [] } = guardContent(guard, this.#rules);
      operations.push({ kind: 'add-set', set: declaration });
      if (elements.length > 0) operations.push({ kind: 'add-elements', set: declaration, elements });
      operations.push(...addChain(guardChain(guard.name, this.#rules)));
    }
    return operations;
  }

  #plane(at: FrontendAddress): Plane {
    return planeOf(this.#rules, isNodePort(at.address));
  }

  #of(set: SetDeclaration): Writers {
    const known = this.#writers.get(set);
    if (known !== undefined) return known;
    const { key, data } = lengthsOf(set);
    const writers = { add: new BlockWriter(key, data), remove: new BlockWriter(key, 0) };
    this.#writers.set(set, writers);
    return writers;
  }

  #removeFrontend(plane: Plane, set: SetDeclaration, at: FrontendAddress): void {
    const { remove } = this.#of(set);
    this.#writeFrontend(remove, remove.next(), plane, at);
  }

  /** Returns where the data goes. */
  #writeSlot(writer: BlockWriter, plane: Plane, at: FrontendAddress, list: ListName, slot: number): number {
    const start = writer.next();
    this.#writeFrontend(writer, start, plane, at);
    const number = start + plane.frontendLength;
    writeWord(writer.bytes, number, list === 'local' ? LOCAL_SLOTS + slot : slot);
    return number + 4;
  }

  #writeBackend(writer: BlockWriter, start: number, backend: Backend): void {
    this.#writeIp(writer, start, backend.address);
    writePort(writer, start + this.#rules.addressLength, backend.port);
  }

  #writeFrontend(writer: BlockWriter, start: number, plane: Plane, at: FrontendAddress): void {
    let next = start;
    if (plane.name === 'address') {
      this.#writeIp(writer, start, at.address);
      next += this.#rules.addressLength;
    }
    writer.bytes[next] = protocolNumbers[at.protocol];
    writePort(writer, next + 4, at.port);
  }

  #writeIp(writer: BlockWriter, start: number, address: string): void {
    const length = this.#rules.addressLength;
    if (writeAddress(writer.bytes, start, address, length)) return;
    throw new RangeError(`Cannot program "${address}": it is not an address of ${length} bytes`);
  }
}

const lengths = new WeakMap<SetDeclaration, { readonly key: number; readonly data: number }>();

function lengthsOf(set: SetDeclaration): { readonly key: number; readonly data: number } {
  const known = lengths.get(set);
  if (known !== undefined) return known;
  const length = { key: keyLength(layoutOf(set.key)), data: set.data === undefined ? 0 : keyLength(dataLayoutOf(set)) };
  lengths.set(set, length);
  return length;
}

function writePort(writer: BlockWriter, at: number, port: number): void {
  writer.bytes[at] = port >> 8;
  writer.bytes[at + 1] = port & 0xff;
}
