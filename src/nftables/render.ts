import { compareBytes, compareKeys, formatKey, type KeyLayout } from './key.ts';
import { renderExpression, renderKey } from './render-expression.ts';
import { renderSeconds } from './render-seconds.ts';
import { renderStatement, renderVerdict } from './render-statement.ts';
import type { Statement } from './statement.ts';
import {
  dataLayoutOf,
  layoutOf,
  type Chain,
  type Element,
  type Family,
  type Hook,
  type Rule,
  type SetContent,
  type SetDeclaration,
  type Table,
} from './table.ts';
import { formatAddress } from './address.ts';

/** The table as `nft list table` prints it, tab for tab. */
export function renderTable(table: Table): string {
  const blocks = [
    ...table.sets.map((set) => renderSet(set)),
    ...table.chains.map((chain) => renderChain(table.family, chain)),
  ];
  const comment = table.comment === undefined ? '' : `\tcomment ${quote(table.comment)}\n`;
  return `table ${table.family} ${table.name} {\n${comment}${blocks.join('\n')}}\n`;
}

export function renderRule(family: Family, rule: Rule): string {
  const statements = rule.statements
    .filter((statement, i) => !isImplied(statement, rule.statements[i + 1]))
    .map((statement) => renderStatement(family, statement));
  if (rule.comment !== undefined) statements.push(`comment ${quote(rule.comment)}`);
  return statements.join(' ');
}

/** nft leaves `meta l4proto tcp` away before `reject with tcp reset`, which can mean nothing else. */
function isImplied(statement: Statement, next: Statement | undefined): boolean {
  const isTcp = statement.kind === 'match' && renderStatement('ip', statement) === 'meta l4proto tcp';
  return isTcp && next?.kind === 'reject' && next.with === 'tcp reset';
}

export function renderChain(family: Family, chain: Chain): string {
  const lines = chain.rules.map((rule) => renderRule(family, rule));
  if (chain.hook !== undefined) {
    const { type, hook } = chain.hook;
    lines.unshift(`type ${type} hook ${hook} priority ${renderPriority(chain.hook)}; policy accept;`);
  }
  if (chain.comment !== undefined) lines.unshift(`comment ${quote(chain.comment)}`);
  return block(`chain ${chain.name}`, lines);
}

export function renderSet(content: SetContent): string {
  const { declaration, elements } = content;
  const lines = [`typeof ${renderType(declaration)}`];
  if (declaration.size !== undefined) lines.push(`size ${declaration.size}`);
  if (declaration.flags !== undefined && declaration.flags.length > 0)
    lines.push(`flags ${declaration.flags.join(',')}`);
  if (declaration.timeoutSeconds !== undefined) lines.push(`timeout ${renderSeconds(declaration.timeoutSeconds)}`);
  if (declaration.comment !== undefined) lines.push(`comment ${quote(declaration.comment)}`);
  if (elements !== undefined && elements.length > 0) lines.push(renderElements(declaration, elements));
  return block(`${declaration.kind === 'set' ? 'set' : 'map'} ${declaration.name}`, lines);
}

/** `10.96.0.1 . tcp . 80 : 6b70:3` */
export function renderElement(declaration: SetDeclaration, element: Element): string {
  const layout = layoutOf(declaration.key);
  const interval = declaration.flags?.includes('interval') ?? false;
  const key = interval ? renderInterval(element) : formatKey(layout, element.key);
  const comment = element.comment === undefined ? '' : ` comment ${quote(element.comment)}`;
  if (element.verdict !== undefined) return `${key}${comment} : ${renderVerdict(element.verdict)}`;
  if (element.data === undefined) return `${key}${comment}`;
  return `${key}${comment} : ${formatKey(dataLayoutOf(declaration), element.data)}`;
}

function renderType(declaration: SetDeclaration): string {
  const key = renderKey(declaration.key);
  if (declaration.kind === 'vmap') return `${key} : verdict`;
  return declaration.data === undefined ? key : `${key} : ${renderExpression(declaration.data)}`;
}

function renderElements(declaration: SetDeclaration, elements: readonly Element[]): string {
  const layout = layoutOf(declaration.key);
  const texts = [...elements]
    .sort(byListOrder(declaration, layout))
    .map((element) => renderElement(declaration, element));
  const perLine = layout.length === 1 ? (layout[0]?.perLine ?? 1) : 1;
  const lines: string[] = [];
  for (let i = 0; i < texts.length; i += perLine) lines.push(texts.slice(i, i + perLine).join(', '));
  return `elements = { ${lines.join(',\n\t\t\t     ')} }`;
}

function byListOrder(declaration: SetDeclaration, layout: KeyLayout): (a: Element, b: Element) => number {
  if (declaration.flags?.includes('interval') ?? false) return (a, b) => compareBytes(a.key, b.key);
  return (a, b) => compareKeys(layout, a.key, b.key);
}

/** An interval that is a whole block prints as one: `10.96.0.0/12`, else `first-last`. */
function renderInterval(element: Element): string {
  const first = number(element.key);
  const bits = element.key.length * 8;
  const size = (element.end === undefined ? 1n << BigInt(bits) : number(element.end)) - first;
  if (size === 1n) return formatAddress(element.key);
  const isBlock = (size & (size - 1n)) === 0n && first % size === 0n;
  if (isBlock) return `${formatAddress(element.key)}/${bits - (size.toString(2).length - 1)}`;
  return `${formatAddress(element.key)}-${formatAddress(bytesOf(first + size - 1n, element.key.length))}`;
}

function number(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function bytesOf(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 255n));
}

const priorityNames: readonly { readonly name: string; readonly at: number; readonly hook?: Hook['hook'] }[] = [
  { name: 'raw', at: -300 },
  { name: 'mangle', at: -150 },
  { name: 'dstnat', at: -100, hook: 'prerouting' },
  { name: 'filter', at: 0 },
  { name: 'security', at: 50 },
  { name: 'srcnat', at: 100, hook: 'postrouting' },
];

/** nft names a priority up to 10 away from a known one; `dstnat` and `srcnat` only where they belong. */
function renderPriority(hook: Hook): string {
  for (const { name, at, hook: only } of priorityNames) {
    const distance = hook.priority - at;
    if (Math.abs(distance) > 10 || (only !== undefined && only !== hook.hook)) continue;
    if (distance === 0) return name;
    return `${name} ${distance < 0 ? '-' : '+'} ${Math.abs(distance)}`;
  }
  return String(hook.priority);
}

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
}

function quote(text: string): string {
  return `"${text}"`;
}
