import { writeAddress } from '#nftables/address.ts';
import { BlockWriter } from '#nftables/block-writer.ts';
import { type SetDeclaration } from '#nftables/table.ts';
import { addChain, transaction, type Operation, type Transaction } from '#nftables/transaction.ts';
import { type FrontendAddress, type Protocol } from './frontend.ts';
import { pickChain, pickElement, priorityOf, TABLE_NAME, type Ruleset } from './ruleset.ts';
import { type SlotChange } from './slots.ts';

/** IPPROTO_* */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

const PRIORITY_LENGTH = 4;
const SLOT_LENGTH = 4;

/** Collects elements as bytes, set by set, and puts them into the order in which the kernel has to see them. */
export class StepWriter {
  readonly #rules: Ruleset;
  readonly #picks: number[] = [];
  readonly #endpoints: { readonly add: BlockWriter; readonly remove: BlockWriter };
  readonly #services: { readonly add: BlockWriter; readonly remove: BlockWriter };
  readonly #addresses: { readonly add: BlockWriter; readonly remove: BlockWriter };
  readonly #hairpin: { readonly add: BlockWriter; readonly remove: BlockWriter };

  constructor(rules: Ruleset) {
    this.#rules = rules;
    const { frontendLength, backendLength, addressLength } = rules;
    this.#endpoints = writers(frontendLength + SLOT_LENGTH, backendLength);
    this.#services = writers(frontendLength, PRIORITY_LENGTH);
    this.#addresses = writers(addressLength, 0);
    this.#hairpin = writers(2 * addressLength, 0);
  }

  addPick(backends: number): void {
    this.#picks.push(backends);
  }

  /** A frontend without backends is in no map. */
  changeCount(frontend: FrontendAddress, before: number, after: number): void {
    if (before > 0) this.#writeFrontend(this.#services.remove, this.#services.remove.next(), frontend);
    if (after === 0) return;
    const { add } = this.#services;
    const at = add.next();
    this.#writeFrontend(add, at, frontend);
    add.bytes.set(priorityOf(after), at + this.#rules.frontendLength);
  }

  changeSlot(frontend: FrontendAddress, { slot, before, after }: SlotChange): void {
    const { add, remove } = this.#endpoints;
    if (before !== undefined) this.#writeSlot(remove, remove.next(), frontend, slot);
    if (after === undefined) return;
    const { frontendLength, addressLength } = this.#rules;
    const at = add.next();
    this.#writeSlot(add, at, frontend, slot);
    const data = at + frontendLength + SLOT_LENGTH;
    writeIp(add, data, after.address, addressLength);
    writePort(add, data + addressLength, after.port);
  }

  changeAddress(address: string, isAdded: boolean): void {
    const writer = isAdded ? this.#addresses.add : this.#addresses.remove;
    writeIp(writer, writer.next(), address, this.#rules.addressLength);
  }

  changeHairpin(address: string, isAdded: boolean): void {
    const { addressLength } = this.#rules;
    const writer = isAdded ? this.#hairpin.add : this.#hairpin.remove;
    const at = writer.next();
    writeIp(writer, at, address, addressLength);
    writeIp(writer, at + addressLength, address, addressLength);
  }

  /**
   * A chain before the element that goes to it, and what is deleted before what comes under the same key. Slots come
   * before the count that makes them reachable: that matters where a step is too large for one batch.
   */
  finish(): Transaction {
    const { family, sets } = this.#rules;
    const operations: Operation[] = this.#picks.flatMap((backends) => addChain(pickChain(family, backends)));
    if (this.#picks.length > 0) {
      operations.push({ kind: 'add-elements', set: sets.pick, elements: this.#picks.map(pickElement) });
    }
    const block = (kind: 'add-elements' | 'delete-elements', set: SetDeclaration, writer: BlockWriter): void => {
      if (writer.count > 0) operations.push({ kind, set, elements: writer.finish() });
    };
    block('delete-elements', sets.services, this.#services.remove);
    block('delete-elements', sets.endpoints, this.#endpoints.remove);
    block('delete-elements', sets.addresses, this.#addresses.remove);
    block('delete-elements', sets.hairpin, this.#hairpin.remove);
    block('add-elements', sets.hairpin, this.#hairpin.add);
    block('add-elements', sets.addresses, this.#addresses.add);
    block('add-elements', sets.endpoints, this.#endpoints.add);
    block('add-elements', sets.services, this.#services.add);
    return transaction(family, TABLE_NAME, operations);
  }

  #writeSlot(writer: BlockWriter, at: number, frontend: FrontendAddress, slot: number): void {
    this.#writeFrontend(writer, at, frontend);
    const { bytes } = writer;
    // numgen's result is a number of the host: little-endian.
    const end = at + this.#rules.frontendLength;
    bytes[end] = slot & 0xff;
    bytes[end + 1] = (slot >> 8) & 0xff;
  }

  #writeFrontend(writer: BlockWriter, at: number, frontend: FrontendAddress): void {
    const { addressLength } = this.#rules;
    writeIp(writer, at, frontend.address, addressLength);
    writer.bytes[at + addressLength] = protocolNumbers[frontend.protocol];
    writePort(writer, at + addressLength + 4, frontend.port);
  }
}

function writers(keyLength: number, dataLength: number): { readonly add: BlockWriter; readonly remove: BlockWriter } {
  return { add: new BlockWriter(keyLength, dataLength), remove: new BlockWriter(keyLength, 0) };
}

function writeIp(writer: BlockWriter, at: number, address: string, length: number): void {
  if (!writeAddress(writer.bytes, at, address, length)) {
    throw new RangeError(`Cannot program "${address}": it is not an address of ${length} bytes`);
  }
}

function writePort(writer: BlockWriter, at: number, port: number): void {
  writer.bytes[at] = port >> 8;
  writer.bytes[at + 1] = port & 0xff;
}
