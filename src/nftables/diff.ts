import { formatProgram, type ProgrammedChain, type ProgrammedSet } from './decode.ts';
import { hookNumber } from './encode.ts';
import { kernelTypes, setFlags, setUserdata } from './encode-set.ts';
import { formatInstruction } from './instruction.ts';
import { byteString } from './key.ts';
import { linearizeRule } from './linearize.ts';
import type { Chain, Element, Family, Rule, SetContent, SetDeclaration, Table } from './table.ts';
import { transaction, type Operation, type Transaction } from './transaction.ts';
import { renderElement } from './render.ts';

/** What the kernel holds under the table's name. */
export interface Programmed {
  readonly chains: readonly ProgrammedChain[];
  readonly sets: readonly ProgrammedSet[];
  /** Elements of the sets that the declared table lists elements for. */
  readonly elements: ReadonlyMap<string, readonly Element[]>;
}

export const nothingProgrammed: Programmed = { chains: [], sets: [], elements: new Map() };

/**
 * The least that makes the programmed table the declared one. What refers goes before what it refers to when things
 * are deleted, and after it when they are added; base chains come last, so that no packet meets half a table even
 * where the transaction is too large for one batch.
 */
export function diffTables(declared: Table, programmed: Programmed | undefined): Transaction {
  const { family } = declared;
  const now = programmed ?? nothingProgrammed;
  const sets = diffSets(declared.sets, now);
  const chains = diffChains(family, declared.chains, now.chains, sets.replaced);
  const operations: Operation[] = [
    ...(programmed === undefined ? [addTable(declared)] : []),
    ...chains.flush,
    ...sets.deleteElements,
    ...sets.deleteSets,
    ...chains.delete,
    ...chains.add,
    ...sets.add,
    ...sets.addElements,
    ...chains.rules,
    ...chains.base,
  ];
  return transaction(family, declared.name, operations);
}

function addTable(table: Table): Operation {
  return { kind: 'add-table', ...(table.comment === undefined ? {} : { comment: table.comment }) };
}

interface SetOperations {
  readonly deleteElements: Operation[];
  readonly deleteSets: Operation[];
  readonly add: Operation[];
  readonly addElements: Operation[];
  /** Programmed sets that go or come anew: rules that use them have to go first. */
  readonly replaced: ReadonlySet<string>;
}

function diffSets(declared: readonly SetContent[], programmed: Programmed): SetOperations {
  const before = new Map(programmed.sets.map((set) => [set.name, set]));
  const wanted = new Set(declared.map(({ declaration }) => declaration.name));
  // The sets behind `{ a, b }` in a rule go with the rule.
  const gone = programmed.sets.filter((set) => !wanted.has(set.name) && !isAnonymous(set)).map((set) => set.name);
  const deleteElements: Operation[] = [];
  const add: Operation[] = [];
  const addElements: Operation[] = [];
  const replaced = new Set(gone);
  for (const { declaration, elements } of declared) {
    const existing = before.get(declaration.name);
    const isSame = existing !== undefined && describeSet(existing) === describeSet(programmedForm(declaration));
    if (existing !== undefined && !isSame) replaced.add(declaration.name);
    if (!isSame) add.push({ kind: 'add-set', set: declaration });
    if (elements === undefined) continue;
    const present = isSame ? (programmed.elements.get(declaration.name) ?? []) : [];
    const change = diffElements(declaration, elements, present);
    if (change.stale.length > 0) {
      deleteElements.push({ kind: 'delete-elements', set: declaration, elements: change.stale });
    }
    if (change.missing.length > 0) {
      addElements.push({ kind: 'add-elements', set: declaration, elements: change.missing });
    }
  }
  const deleteSets = [...replaced].map((set): Operation => ({ kind: 'delete-set', set }));
  return { deleteElements, deleteSets, add, addElements, replaced };
}

/** NFT_SET_ANONYMOUS */
function isAnonymous(set: ProgrammedSet): boolean {
  return (set.flags & 1) !== 0;
}

function programmedForm(declaration: SetDeclaration): ProgrammedSet {
  const { key, data } = kernelTypes(declaration);
  return {
    name: declaration.name,
    flags: setFlags(declaration),
    keyType: key.type,
    keyLength: key.length,
    dataType: data?.type ?? 0,
    // The kernel shows the size of struct nft_verdict, which is nothing that we chose.
    dataLength: data?.length ?? 0,
    timeoutMs: (declaration.timeoutSeconds ?? 0) * 1000,
    size: declaration.size ?? 0,
    userdata: Buffer.from(setUserdata(declaration)).toString('hex'),
  };
}

function describeSet(set: ProgrammedSet): string {
  const dataLength = set.dataType === 0xffff_ff00 ? 0 : set.dataLength;
  return [set.flags, set.keyType, set.keyLength, set.dataType, dataLength, set.timeoutMs, set.size, set.userdata].join(
    ' ',
  );
}

function diffElements(
  declaration: SetDeclaration,
  wanted: readonly Element[],
  present: readonly Element[],
): { readonly stale: Element[]; readonly missing: Element[] } {
  const id = (element: Element): string =>
    `${byteString(element.key)}/${element.end === undefined ? '' : byteString(element.end)}/${renderElement(declaration, element)}`;
  const have = new Set(present.map(id));
  const want = new Set(wanted.map(id));
  return {
    stale: present.filter((element) => !want.has(id(element))),
    missing: wanted.filter((element) => !have.has(id(element))),
  };
}

interface ChainOperations {
  readonly flush: Operation[];
  readonly delete: Operation[];
  readonly add: Operation[];
  readonly rules: Operation[];
  readonly base: Operation[];
}

function diffChains(
  family: Family,
  declared: readonly Chain[],
  programmed: readonly ProgrammedChain[],
  replacedSets: ReadonlySet<string>,
): ChainOperations {
  const before = new Map(programmed.map((chain) => [chain.name, chain]));
  const wanted = new Map(declared.map((chain) => [chain.name, chain]));
  const result: ChainOperations = { flush: [], delete: [], add: [], rules: [], base: [] };
  for (const chain of programmed) {
    const next = wanted.get(chain.name);
    if (next !== undefined && describeHook(next) === describeProgrammedHook(chain)) continue;
    result.flush.push({ kind: 'flush-chain', chain: chain.name });
    result.delete.push({ kind: 'delete-chain', chain: chain.name });
  }
  for (const chain of declared) {
    const existing = before.get(chain.name);
    const isSameHook = existing !== undefined && describeHook(chain) === describeProgrammedHook(existing);
    const rules = chain.rules.map((rule) => describeRule(family, rule));
    const usesReplaced = [...replacedSets].some((set) => rules.some((rule) => rule.includes(` set=${set} `)));
    const isSame = isSameHook && !usesReplaced && rules.join('\n') === existing.rules.join('\n');
    if (isSame) continue;
    if (isSameHook && existing.rules.length > 0) result.flush.push({ kind: 'flush-chain', chain: chain.name });
    const target = chain.hook === undefined ? result.rules : result.base;
    if (!isSameHook) (chain.hook === undefined ? result.add : result.base).push({ kind: 'add-chain', chain });
    target.push(...chain.rules.map((rule): Operation => ({ kind: 'add-rule', chain: chain.name, rule })));
  }
  return result;
}

export function describeRule(family: Family, rule: Rule): string {
  return formatProgram(linearizeRule(family, rule).map(formatInstruction), rule.comment);
}

function describeHook(chain: Chain): string {
  const { hook } = chain;
  return hook === undefined ? '' : `${hook.type} ${hookNumber(hook.hook)} ${hook.priority} 1`;
}

/** Chains of ours accept what no rule decides (NF_ACCEPT 1). */
function describeProgrammedHook(chain: ProgrammedChain): string {
  const { hook } = chain;
  return hook === undefined ? '' : `${hook.type} ${hook.number} ${hook.priority} ${chain.policy ?? 1}`;
}
