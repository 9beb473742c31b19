import { MESSAGES } from './message-table.ts';

export interface MessageField {
  /** Empty for an inlined message. */
  readonly name: string;
  readonly shape: 'one' | 'list' | 'map';
  /** A scalar's name or a message's. */
  readonly type: string;
  /** When the JSON form leaves it out: when it is empty, or only when it was not sent. */
  readonly rule: 'always' | 'nonEmpty' | 'sent' | 'inline';
}

export type MessageSchema = ReadonlyMap<number, MessageField>;

const RULES: Readonly<Record<string, MessageField['rule']>> = {
  '!': 'always',
  '?': 'nonEmpty',
  '*': 'sent',
  '^': 'inline',
};

const lines: ReadonlyMap<string, string> = new Map(
  MESSAGES.trim()
    .split('\n')
    .map((line) => {
      const end = line.indexOf(' ');
      return end < 0 ? [line, ''] : [line.slice(0, end), line.slice(end + 1)];
    }),
);

const schemas = new Map<string, MessageSchema>();

function parseField(text: string): readonly [number, MessageField] {
  const [, name = '', flag = '', number = '', prefix = '', type = ''] =
    /^(\w*)([!?*^])(\d+):(\[\]|\{\})?(.+)$/.exec(text) ?? [];
  const shape = prefix === '[]' ? 'list' : prefix === '{}' ? 'map' : 'one';
  return [Number(number), { name, shape, type, rule: RULES[flag] ?? 'always' }];
}

/** By field number; undefined for messages that we do not know. */
export function messageSchema(message: string): MessageSchema | undefined {
  const known = schemas.get(message);
  if (known !== undefined) return known;
  const line = lines.get(message);
  if (line === undefined) return undefined;
  const schema = new Map(
    line
      .split(' ')
      .filter((text) => text !== '')
      .map(parseField),
  );
  schemas.set(message, schema);
  return schema;
}
