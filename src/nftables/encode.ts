import type { MessageEncoder } from '#netlink/encoder.ts';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST } from '#netlink/message.ts';
import {
  CHAIN,
  HOOK,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NFT_MSG,
  RULE,
  SET,
  SET_ELEM_LIST,
  TABLE,
} from './attributes.ts';
import { encodeElement, encodeRecord } from './encode-elements.ts';
import { encodeSet } from './encode-set.ts';
import { encodeInstructions } from './instruction-codec.ts';
import { linearizeRule } from './linearize.ts';
import type { Chain, Family, Hook, Rule } from './table.ts';
import { elementCount, type Operation, type Transaction } from './transaction.ts';
import { COMMENT, commentEntry } from './userdata.ts';

/** Which message of a batch does what, for naming the culprit when the kernel refuses one. */
export interface Subject {
  readonly sequence: number;
  readonly operation: Operation;
  /** Of element messages: the first element in it. */
  readonly first?: number;
  /** Of element messages: where that element starts, counted from the start of the message. */
  readonly offset?: number;
}

/** One datagram: what the kernel does all of, or nothing. `bytes` is valid until the next batch is asked for. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly subjects: readonly Subject[];
}

/** A list attribute ends at 65,535 bytes (`nla_len` is a __u16); an element, its comment included, is below 400. */
const LIST_LIMIT = 65_535 - 400;
const ELEMENT_MAX = 400;
/** More than any message but a list of elements takes, and the end of the batch. */
const MESSAGE_MAX = 8192;

const NF_ACCEPT = 1;
const hooks: Readonly<Record<Hook['hook'], number>> = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
};
const families: Readonly<Record<Family, number>> = { ip: 2, ip6: 10 };

export function familyNumber(family: Family): number {
  return families[family];
}

export function hookNumber(hook: Hook['hook']): number {
  return hooks[hook];
}

/** The transaction as batches of at most `limit` bytes: one, where it fits. */
export function* encodeTransaction(
  transaction: Transaction,
  encoder: MessageEncoder,
  limit: number,
): Generator<Batch, void, void> {
  const writer = new BatchWriter(transaction, encoder);
  writer.open();
  for (const [index, operation] of transaction.operations.entries()) {
    let first = 0;
    do {
      if (writer.length > limit - MESSAGE_MAX) {
        yield writer.close();
        writer.open();
      }
      first = writer.write(operation, first, limit, index);
    } while (first >= 0);
  }
  if (!writer.isEmpty) yield writer.close();
}

class BatchWriter {
  readonly #family: number;
  readonly #transaction: Transaction;
  readonly #encoder: MessageEncoder;
  #subjects: Subject[] = [];

  constructor(transaction: Transaction, encoder: MessageEncoder) {
    this.#transaction = transaction;
    this.#encoder = encoder;
    this.#family = families[transaction.family];
  }

  get length(): number {
    return this.#encoder.length;
  }

  get isEmpty(): boolean {
    return this.#subjects.length === 0;
  }

  open(): void {
    this.#subjects = [];
    this.#encoder.reset();
    this.#mark(NFNL_MSG_BATCH_BEGIN);
  }

  close(): Batch {
    this.#mark(NFNL_MSG_BATCH_END);
    return { bytes: this.#encoder.finish(), subjects: this.#subjects };
  }

  /** Writes one message and returns the element to go on from, -1 when the operation is complete. */
  write(operation: Operation, first: number, limit: number, index: number): number {
    const encoder = this.#encoder;
    switch (operation.kind) {
      case 'add-table':
        this.#begin(operation, NFT_MSG.NEWTABLE, 0);
        encoder.u32(TABLE.FLAGS, 0);
        if (operation.comment !== undefined) encoder.bytes(TABLE.USERDATA, commentEntry(COMMENT, operation.comment));
        break;
      case 'delete-table':
        this.#begin(operation, NFT_MSG.DELTABLE, 0);
        break;
      case 'add-chain':
        this.#begin(operation, NFT_MSG.NEWCHAIN, NLM_F_CREATE);
        encodeChain(encoder, operation.chain);
        break;
      case 'delete-chain':
        this.#begin(operation, NFT_MSG.DELCHAIN, 0);
        encoder.string(CHAIN.NAME, operation.chain);
        break;
      case 'flush-chain':
        this.#begin(operation, NFT_MSG.DELRULE, 0);
        encoder.string(RULE.CHAIN, operation.chain);
        break;
      case 'add-rule':
        this.#begin(operation, NFT_MSG.NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
        encodeRule(encoder, this.#transaction.family, operation.chain, operation.rule);
        break;
      case 'add-set':
        this.#begin(operation, NFT_MSG.NEWSET, NLM_F_CREATE);
        encoder.string(SET.NAME, operation.set.name);
        encodeSet(encoder, operation.set, index + 1);
        break;
      case 'delete-set':
        this.#begin(operation, NFT_MSG.DELSET, 0);
        encoder.string(SET.NAME, operation.set);
        break;
      case 'add-elements':
      case 'delete-elements':
        return this.#elements(operation, first, limit);
    }
    encoder.end();
    return -1;
  }

  #elements(
    operation: Extract<Operation, { kind: 'add-elements' | 'delete-elements' }>,
    first: number,
    limit: number,
  ): number {
    const { elements } = operation;
    const count = elementCount(elements);
    if (count === 0) return -1;
    const encoder = this.#encoder;
    const start = encoder.length;
    const adds = operation.kind === 'add-elements';
    const sequence = this.#header(adds ? NFT_MSG.NEWSETELEM : NFT_MSG.DELSETELEM, adds ? NLM_F_CREATE : 0);
    encoder.string(SET_ELEM_LIST.SET, operation.set.name);
    const list = encoder.beginNested(SET_ELEM_LIST.ELEMENTS);
    this.#subjects.push({ sequence, operation, first, offset: encoder.length - start });
    const room = Math.min(LIST_LIMIT, limit - encoder.length - ELEMENT_MAX);
    let at = first;
    for (; at < count && encoder.nestedLength(list) < room; at++) {
      if ('count' in elements) encodeRecord(encoder, elements, at);
      else {
        const element = elements[at];
        if (element !== undefined) encodeElement(encoder, element);
      }
    }
    encoder.endNested(list);
    encoder.end();
    return at < count ? at : -1;
  }

  #begin(operation: Operation, type: number, flags: number): void {
    this.#subjects.push({ sequence: this.#header(type, flags), operation });
  }

  /** Attribute 1 is the table's name in every message of nf_tables. */
  #header(type: number, flags: number): number {
    const sequence = this.#encoder.begin(type, NLM_F_REQUEST | flags);
    this.#encoder.nfgenmsg(this.#family);
    this.#encoder.string(TABLE.NAME, this.#transaction.table);
    return sequence;
  }

  #mark(type: number): void {
    this.#encoder.begin(type, NLM_F_REQUEST);
    this.#encoder.nfgenmsg(0, NFNL_SUBSYS_NFTABLES);
    this.#encoder.end();
  }
}

function encodeChain(encoder: MessageEncoder, chain: Chain): void {
  encoder.string(CHAIN.NAME, chain.name);
  const { hook } = chain;
  if (hook !== undefined) {
    encoder.string(CHAIN.TYPE, hook.type);
    encoder.be32(CHAIN.POLICY, NF_ACCEPT);
    encoder.nested(CHAIN.HOOK, () => {
      encoder.be32(HOOK.HOOKNUM, hooks[hook.hook]);
      encoder.be32(HOOK.PRIORITY, hook.priority);
    });
  }
  if (chain.comment !== undefined) encoder.bytes(CHAIN.USERDATA, commentEntry(COMMENT, chain.comment));
}

function encodeRule(encoder: MessageEncoder, family: Family, chain: string, rule: Rule): void {
  encoder.string(RULE.CHAIN, chain);
  encodeInstructions(encoder, linearizeRule(family, rule));
  if (rule.comment !== undefined) encoder.bytes(RULE.USERDATA, commentEntry(COMMENT, rule.comment));
}
