import { renderChain, renderElement, renderRule, renderSet } from './render.ts';
import type { Element, ElementBlock } from './table.ts';
import type { Operation, Transaction } from './transaction.ts';

/** The transaction as `nft -f` takes it: one command a line, or a block for what is declared. */
export function renderTransaction(transaction: Transaction): string {
  const name = `${transaction.family} ${transaction.table}`;
  return transaction.operations.map((operation) => `${renderOperation(transaction, name, operation)}\n`).join('');
}

function renderOperation(transaction: Transaction, name: string, operation: Operation): string {
  switch (operation.kind) {
    case 'add-table':
      return operation.comment === undefined
        ? `add table ${name}`
        : `table ${name} { comment "${operation.comment}"; }`;
    case 'delete-table':
      return `delete table ${name}`;
    case 'add-chain':
      return `table ${name} {\n${renderChain(transaction.family, { ...operation.chain, rules: [] })}}`;
    case 'delete-chain':
      return `delete chain ${name} ${operation.chain}`;
    case 'flush-chain':
      return `flush chain ${name} ${operation.chain}`;
    case 'add-rule':
      return `add rule ${name} ${operation.chain} ${renderRule(transaction.family, operation.rule)}`;
    case 'add-set':
      return `table ${name} {\n${renderSet({ declaration: operation.set })}}`;
    case 'delete-set':
      return `delete set ${name} ${operation.set}`;
    case 'add-elements':
    case 'delete-elements': {
      const verb = operation.kind === 'add-elements' ? 'add' : 'delete';
      const texts = listElements(operation.elements).map((element) => renderElement(operation.set, element));
      return `${verb} element ${name} ${operation.set.name} { ${texts.join(', ')} }`;
    }
  }
}

/** A block unpacked. */
export function listElements(elements: readonly Element[] | ElementBlock): readonly Element[] {
  if (!('count' in elements)) return elements;
  const { count, keyLength, dataLength, bytes, comments } = elements;
  return Array.from({ length: count }, (_, i) => {
    const at = i * (keyLength + dataLength);
    const key = bytes.subarray(at, at + keyLength);
    const data = dataLength === 0 ? {} : { data: bytes.subarray(at + keyLength, at + keyLength + dataLength) };
    const comment = comments?.[i];
    return { key, ...data, ...(comment === undefined ? {} : { comment }) };
  });
}
