import { CodedError } from '#base/errors.ts';
import type { NetlinkError } from '#netlink/netlink-error.ts';
import type { Subject } from './encode.ts';
import { formatKey } from './key.ts';
import { renderElement } from './render.ts';
import { layoutOf, type ElementBlock } from './table.ts';
import type { Operation, Transaction } from './transaction.ts';

/** The kernel refused a transaction. `code` is the name of the errno; `subject` is the object it refused. */
export class NftablesError extends CodedError {
  readonly subject: string;

  constructor(transaction: Transaction, subject: Subject | undefined, cause: NetlinkError) {
    const what = subject === undefined ? 'a batch' : describe(subject, cause);
    const reason = cause.kernelMessage === undefined ? cause.code : `${cause.code} (${cause.kernelMessage})`;
    super(cause.code, `Cannot ${what} in table ${transaction.family} ${transaction.table}: ${reason}`, { cause });
    this.name = 'NftablesError';
    this.subject = what;
  }
}

/** `add element 10.96.0.1 . tcp . 80 of "services"` */
function describe(subject: Subject, cause: NetlinkError): string {
  const { operation } = subject;
  const action = operation.kind.split('-')[0] ?? '';
  switch (operation.kind) {
    case 'add-table':
    case 'delete-table':
      return `${action} table`;
    case 'add-chain':
      return `${action} chain "${operation.chain.name}"`;
    case 'delete-chain':
      return `${action} chain "${operation.chain}"`;
    case 'flush-chain':
      return `flush chain "${operation.chain}"`;
    case 'add-rule':
      return `add a rule to chain "${operation.chain}"`;
    case 'add-set':
      return `add set "${operation.set.name}"`;
    case 'delete-set':
      return `delete set "${operation.set}"`;
    case 'add-elements':
    case 'delete-elements': {
      const key = elementText(operation, subject, cause.offset);
      return `${action} ${key === undefined ? 'elements' : `element ${key}`} of "${operation.set.name}"`;
    }
  }
}

type ElementOperation = Extract<Operation, { kind: 'add-elements' | 'delete-elements' }>;

/** The kernel points at the offending element with an offset into the message; records are all of one size. */
function elementText(operation: ElementOperation, subject: Subject, offset: number | undefined): string | undefined {
  const { elements, set } = operation;
  if (!('count' in elements)) {
    const only = elements.length === 1 ? elements[0] : undefined;
    return only === undefined ? undefined : renderElement(set, only);
  }
  const first = subject.first ?? 0;
  if (elements.count === 1) return recordKey(operation, elements, 0);
  if (offset === undefined || offset < (subject.offset ?? 0)) return undefined;
  const index = recordAt(elements, first, offset - (subject.offset ?? 0));
  return index < elements.count ? recordKey(operation, elements, index) : undefined;
}

/** The record that a number of bytes from the first one on leads into. */
function recordAt(block: ElementBlock, first: number, bytes: number): number {
  let index = first;
  for (let rest = bytes; index < block.count; index++) {
    rest -= recordSize(block, index);
    if (rest < 0) break;
  }
  return index;
}

/** List element, key, value, and data, value: four bytes of header each; a comment has two more and a zero. */
function recordSize(block: ElementBlock, index: number): number {
  const data = block.dataLength === 0 ? 0 : 8 + ((block.dataLength + 3) & ~3);
  const comment = block.comments?.[index];
  const note = comment === undefined ? 0 : 4 + ((comment.length + 3 + 3) & ~3);
  return 12 + ((block.keyLength + 3) & ~3) + data + note;
}

function recordKey(operation: ElementOperation, block: ElementBlock, index: number): string {
  const at = index * (block.keyLength + block.dataLength);
  return formatKey(layoutOf(operation.set.key), block.bytes.subarray(at, at + block.keyLength));
}
