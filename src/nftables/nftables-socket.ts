import { MessageEncoder } from '#netlink/encoder.ts';
import { NFGENMSG_LENGTH, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, type Message } from '#netlink/message.ts';
import type { NetlinkError } from '#netlink/netlink-error.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { CodedError, errorCode } from '#base/errors.ts';
import { GEN_ID, NFT_MSG, RULE, SET, SET_ELEM_LIST, space } from './attributes.ts';
import { AttributeReader } from '#netlink/attribute.ts';
import {
  decodeChain,
  decodeRule,
  decodeSet,
  decodeTableName,
  type ProgrammedChain,
  type ProgrammedSet,
} from './decode.ts';
import { decodeElements, decodeIntervals } from './decode-elements.ts';
import { encodeElement } from './encode-elements.ts';
import { visitKeys } from './element-reader.ts';
import { encodeTransaction, familyNumber, type Batch, type Subject } from './encode.ts';
import { NftablesError } from './nftables-error.ts';
import { byteString } from './key.ts';
import type { Element, Family, SetDeclaration } from './table.ts';
import type { Operation, Transaction } from './transaction.ts';

/** A table as the kernel has it, without the elements of its sets. */
export interface ProgrammedTable {
  readonly family: Family;
  readonly name: string;
  readonly chains: readonly ProgrammedChain[];
  readonly sets: readonly ProgrammedSet[];
}

export interface Generation {
  /** How many transactions of others the namespace has seen, up to a constant. */
  readonly foreign: number;
  /** Notifications of our own changes carry it. */
  readonly portId: number;
}

const generationSpace = space('GEN', { ID: GEN_ID });

/**
 * Batch sizes to try, largest first. The kernel takes a datagram of the socket's send buffer minus 32 bytes; without
 * CAP_NET_ADMIN in the initial namespace that buffer is capped by net.core.wmem_max, 212,992 as a rule, doubled.
 */
const LIMITS = [(8 << 20) - 32, 425_984 - 64, 212_992 - 64] as const;

/**
 * nf_tables of one network namespace: the one that the calling thread was in when it opened the socket. All calls are
 * synchronous, since the kernel works inside of send(2).
 */
export class NftablesSocket implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #encoder: MessageEncoder = new MessageEncoder({ capacity: 1 << 16 });
  #limit = 0;
  #batches = 0;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): NftablesSocket {
    return new NftablesSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER }));
  }

  /**
   * Does all of the transaction or, when it fits one batch, nothing. One too large for the send buffer is done in
   * several batches, in order, and an error leaves the earlier ones in place. Returns how many there were.
   */
  commit(transaction: Transaction): number {
    for (;;) {
      const limit = LIMITS[this.#limit];
      if (limit === undefined) throw new RangeError('Cannot commit: the send buffer takes no batch');
      let batches = 0;
      try {
        for (const batch of encodeTransaction(transaction, this.#encoder, limit)) {
          this.#send(transaction, batch);
          batches++;
          this.#batches++;
        }
        return batches;
      } catch (error) {
        // Only the first batch may be sent again: all that follow are no larger.
        if (errorCode(error) !== 'EMSGSIZE' || batches > 0) throw error;
        this.#limit++;
      }
    }
  }

  /**
   * Why the kernel would refuse the transaction, which has to fit one batch; undefined when it would do all of it. Nothing
   * is changed: the batch ends with a step that cannot be done.
   */
  check(transaction: Transaction): NftablesError | undefined {
    const impossible: Operation = { kind: 'delete-chain', chain: 'no-such-chain' };
    const whole = { ...transaction, operations: [...transaction.operations, impossible] };
    const [batch] = encodeTransaction(whole, this.#encoder, LIMITS[2]);
    if (batch === undefined) return undefined;
    const { errors } = this.#socket.batchSync(batch.bytes);
    const subjectOf = ({ sequence }: NetlinkError): Subject | undefined =>
      batch.subjects.find((subject) => subject.sequence === sequence);
    const error = errors.find((one) => subjectOf(one)?.operation !== impossible);
    return error === undefined ? undefined : new NftablesError(whole, subjectOf(error), error);
  }

  /** What tells our own changes from those of others. */
  generation(): Generation {
    const encoder = this.#encoder;
    encoder.reset();
    encoder.begin(NFT_MSG.GETGEN, NLM_F_REQUEST | NLM_F_ACK);
    encoder.nfgenmsg(0);
    encoder.end();
    const [message] = this.#socket.requestSync(encoder.finish());
    if (message === undefined) throw new CodedError('ERR_NFTABLES_GENERATION', 'Cannot read the generation: no answer');
    const reader = new AttributeReader(message.payload, generationSpace, NFGENMSG_LENGTH);
    let id = 0;
    while (reader.next()) if (reader.type === GEN_ID) id = reader.be32();
    return { foreign: (id - this.#batches) >>> 0, portId: message.portId };
  }

  /** The table, or undefined where there is none. */
  readTable(family: Family, name: string): ProgrammedTable | undefined {
    const tables = this.#dump(NFT_MSG.GETTABLE, family, () => {});
    if (!tables.some((message) => decodeTableName(message) === name)) return undefined;
    const rules = new Map<string, string[]>();
    for (const message of this.#dump(NFT_MSG.GETRULE, family, (encoder) => encoder.string(RULE.TABLE, name))) {
      const { chain, rule } = decodeRule(message);
      const list = rules.get(chain);
      if (list === undefined) rules.set(chain, [rule]);
      else list.push(rule);
    }
    const chains = this.#dump(NFT_MSG.GETCHAIN, family, () => {})
      .map(decodeChain)
      .filter(({ table }) => table === name)
      .map(({ chain }) => ({ ...chain, rules: rules.get(chain.name) ?? [] }));
    const sets = this.#dump(NFT_MSG.GETSET, family, (encoder) => encoder.string(SET.TABLE, name))
      .map(decodeSet)
      .filter(({ table }) => table === name)
      .map(({ set }) => set);
    return { family, name, chains, sets };
  }

  /** Names of a table's chains, without their rules; none where there is no such table. */
  chainNames(family: Family, table: string): string[] {
    return this.#dump(NFT_MSG.GETCHAIN, family, () => {})
      .map(decodeChain)
      .filter((one) => one.table === table)
      .map(({ chain }) => chain.name);
  }

  readElements(family: Family, table: string, set: SetDeclaration): Element[] {
    for (let attempt = 1; ; attempt++) {
      const messages = this.#dumpElements(family, table, set.name);
      const elements = set.flags?.includes('interval') ? decodeIntervals(messages) : decodeElements(messages);
      if (new Set(elements.map(({ key }) => byteString(key))).size === elements.length) return elements;
      if (attempt === MAX_DUMPS) throw torn(set.name);
    }
  }

  /**
   * As `readElements` for large maps of plain data: nothing is kept, the bytes are only lent to `visit`. While the
   * kernel rehashes a table that grew, a dump shows some elements twice and leaves as many out: `visit` has to return
   * false for what it saw before, and `ERR_NFTABLES_TORN` then says that all of it has to be read again.
   */
  visitElements(
    family: Family,
    table: string,
    set: string,
    visit: (key: Uint8Array, data: Uint8Array, userdata: Uint8Array) => boolean,
  ): void {
    visitKeys(this.#dumpElements(family, table, set), (key, data, userdata) => {
      if (!visit(key, data, userdata)) throw torn(set);
    });
  }

  /** The data under each of the keys; undefined for those that are not there. Takes the same time in maps of any size. */
  lookUp(family: Family, table: string, set: string, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    const found: (Uint8Array | undefined)[] = [];
    for (let at = 0; at < keys.length; at += LOOK_UP) {
      const some = keys.slice(at, at + LOOK_UP);
      // Asked for together the first one that is not there ends the answer.
      const all =
        this.#ask(family, table, set, [some]) ??
        this.#ask(
          family,
          table,
          set,
          some.map((key) => [key]),
        );
      found.push(...some.map((key) => all?.get(byteString(key))));
    }
    return found;
  }

  /** undefined when an element is missing of those that were asked for together. */
  #ask(
    family: Family,
    table: string,
    set: string,
    requests: readonly (readonly Uint8Array[])[],
  ): Map<string, Uint8Array> | undefined {
    const encoder = this.#encoder;
    encoder.reset();
    for (const keys of requests) {
      encoder.begin(NFT_MSG.GETSETELEM, NLM_F_REQUEST | NLM_F_ACK);
      encoder.nfgenmsg(familyNumber(family));
      encoder.string(SET_ELEM_LIST.TABLE, table);
      encoder.string(SET_ELEM_LIST.SET, set);
      encoder.nested(SET_ELEM_LIST.ELEMENTS, () => {
        for (const key of keys) encodeElement(encoder, { key });
      });
      encoder.end();
    }
    const { messages, errors } = this.#socket.batchSync(encoder.finish());
    for (const error of errors) {
      if (error.code !== 'ENOENT') throw error;
      if (requests.length === 1 && (requests[0]?.length ?? 0) > 1) return undefined;
    }
    const found = new Map<string, Uint8Array>();
    visitKeys(messages, (key, data) => found.set(byteString(key), data.slice()));
    return found;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #dumpElements(family: Family, table: string, set: string): Message[] {
    return this.#dump(NFT_MSG.GETSETELEM, family, (encoder) => {
      encoder.string(SET_ELEM_LIST.TABLE, table);
      encoder.string(SET_ELEM_LIST.SET, set);
    });
  }

  #dump(type: number, family: Family, fill: (encoder: MessageEncoder) => void): Message[] {
    const encoder = this.#encoder;
    encoder.reset();
    encoder.begin(type, NLM_F_REQUEST | NLM_F_DUMP | NLM_F_ACK);
    encoder.nfgenmsg(familyNumber(family));
    fill(encoder);
    encoder.end();
    return this.#socket.requestSync(encoder.finish());
  }

  #send(transaction: Transaction, batch: Batch): void {
    const error = this.#socket.batchSync(batch.bytes).errors[0];
    if (error === undefined) return;
    throw new NftablesError(
      transaction,
      batch.subjects.find((subject) => subject.sequence === error.sequence),
      error,
    );
  }
}

const MAX_DUMPS = 100;
/** As many answers as the queue of a socket without privilege holds. */
const LOOK_UP = 128;

function torn(set: string): CodedError {
  return new CodedError('ERR_NFTABLES_TORN', `Cannot read the elements of "${set}": its hash table is being resized`);
}
