import { errorCode } from '#base/errors.ts';
import { AttributeReader, type AttributeSpace } from './attribute.ts';
import { MessageEncoder } from './encoder.ts';
import { NFGENMSG_LENGTH, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from './socket.ts';

/** #define NFNL_SUBSYS_ACCT 7, in the high byte; enum nfnl_acct_msg_types of linux/netfilter/nfnetlink_acct.h. */
const NFNL_SUBSYS_ACCT = 7;
const ACCT_NEW = (NFNL_SUBSYS_ACCT << 8) | 0;
const ACCT_GET = (NFNL_SUBSYS_ACCT << 8) | 1;
const AF_UNSPEC = 0;

const NFACCT = { NAME: 1, PKTS: 2, BYTES: 3, USE: 4 } as const;
const space: AttributeSpace = { name: 'NFACCT', types: NFACCT };

/** Named counters of the network namespace that the socket was opened in, which the match `nfacct` of rules counts with. */
export class NfacctSocket implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #encoder = new MessageEncoder();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): NfacctSocket {
    return new NfacctSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER }));
  }

  /** Makes the counter unless there is one. Names have 31 bytes at most. */
  ensure(name: string): void {
    try {
      this.#request(ACCT_NEW, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, name);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }

  /** How many packets it counted; `ENOENT` where there is no such counter. */
  packets(name: string): number {
    for (const { payload } of this.#request(ACCT_GET, NLM_F_ACK, name)) {
      const reader = new AttributeReader(payload, space, NFGENMSG_LENGTH);
      while (reader.next()) if (reader.type === NFACCT.PKTS) return Number(reader.be64());
    }
    return 0;
  }

  #request(type: number, flags: number, name: string): ReturnType<NetlinkSocket['requestSync']> {
    this.#encoder.reset();
    this.#encoder.begin(type, NLM_F_REQUEST | flags);
    this.#encoder.nfgenmsg(AF_UNSPEC);
    this.#encoder.string(NFACCT.NAME, name);
    this.#encoder.end();
    return this.#socket.requestSync(this.#encoder.finish(), 'count packets');
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
