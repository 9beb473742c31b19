import type { Expression, FieldExpression, KeyExpression } from './expression.ts';
import { formatHex } from './value.ts';

export function renderExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'map':
      return `${renderKey(expression.key)} map @${expression.map}`;
    case 'value':
      return expression.text;
    default:
      return renderKey(expression);
  }
}

export function renderKey(key: KeyExpression): string {
  return key.kind === 'concat' ? key.fields.map(renderField).join(' . ') : renderField(key);
}

function renderField(field: FieldExpression): string {
  switch (field.kind) {
    case 'payload':
      return field.name;
    case 'meta':
      // nft leaves the word away where the name alone is clear.
      return field.name === 'iifname' || field.name === 'oifname' ? field.name : `meta ${field.name}`;
    case 'ct':
      return `ct ${field.name}`;
    case 'fib':
      return `fib ${field.address} ${field.result}`;
    case 'numgen':
      return `numgen ${field.mode} mod ${field.modulus}${field.offset === undefined ? '' : ` offset ${field.offset}`}`;
    case 'bitwise':
      return `${renderField(field.left)} ${field.operator} ${formatHex(field.right)}`;
  }
}
