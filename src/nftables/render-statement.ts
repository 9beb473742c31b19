import { renderExpression, renderKey } from './render-expression.ts';
import { renderSeconds } from './render-seconds.ts';
import type { DynsetStatement, MatchStatement, Operand, Statement, Verdict } from './statement.ts';
import type { Family } from './table.ts';

export function renderStatement(family: Family, statement: Statement): string {
  switch (statement.kind) {
    case 'match':
      return renderMatch(statement);
    case 'assign':
      return `${renderKey(statement.target)} set ${renderExpression(statement.value)}`;
    case 'verdict':
      return renderVerdict(statement.verdict);
    case 'vmap':
      return `${renderKey(statement.key)} vmap @${statement.map}`;
    case 'nat':
      return renderNat(family, statement);
    case 'masquerade':
      return statement.fullyRandom ? 'masquerade fully-random' : 'masquerade';
    case 'reject':
      return statement.with === 'tcp reset' ? 'reject with tcp reset' : 'reject';
    case 'counter':
      return 'counter packets 0 bytes 0';
    case 'dynset':
      return renderDynset(statement);
  }
}

export function renderVerdict(verdict: Verdict): string {
  return verdict.kind === 'jump' || verdict.kind === 'goto' ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

function renderMatch(statement: MatchStatement): string {
  const left = renderKey(statement.left);
  const right = renderOperand(statement.right);
  if (statement.operator === '!=') return `${left} != ${right}`;
  // After an operator of its own the left side needs the comparison written out.
  return statement.left.kind === 'bitwise' ? `${left} == ${right}` : `${left} ${right}`;
}

function renderOperand(operand: Operand): string {
  return operand.kind === 'set' ? `@${operand.set}` : operand.text;
}

function renderNat(family: Family, statement: Extract<Statement, { kind: 'nat' }>): string {
  // In a table of one family nft names it again only where the target is a map with a port.
  const target = statement.withPort || family !== statement.family ? `${statement.family} to` : 'to';
  return `${statement.type} ${target} ${renderExpression(statement.to)}`;
}

function renderDynset(statement: DynsetStatement): string {
  const timeout = statement.timeoutSeconds === undefined ? '' : ` timeout ${renderSeconds(statement.timeoutSeconds)}`;
  const data = statement.data === undefined ? '' : ` : ${renderKey(statement.data)}`;
  return `${statement.operation} @${statement.set} { ${renderKey(statement.key)}${timeout}${data} }`;
}
