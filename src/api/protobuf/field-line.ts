import { PROTOBUF_FIELDS } from '../generated/protobuf.ts';
import { modelSchema } from '../schema.ts';

/** One field of a message, as a word of PROTOBUF_FIELDS has it. */
export interface MessageField {
  readonly name: string;
  /** `kept` as it came, `dropped` when it is empty, `always` there, or `null`, which is kept and null when it did not come. */
  readonly presence: 'kept' | 'dropped' | 'always' | 'null';
  /** Field numbers, outermost first: the last is the field's, the others lead to the message it is in. */
  readonly path: readonly number[];
  /** As in FIELDS, and the names of `valueTypes` and `schemaTypes`. */
  readonly type: string;
}

const PRESENCE: Readonly<Record<string, MessageField['presence']>> = {
  '?': 'kept',
  '~': 'dropped',
  '!': 'always',
  '*': 'null',
};

/** The fields of a model's message. */
export function messageFields(model: string): readonly MessageField[] {
  const line = PROTOBUF_FIELDS[model];
  if (line === undefined) throw new RangeError(`Cannot find the message of "${model}": no such model`);
  return line
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => messageField(model, word));
}

function messageField(model: string, word: string): MessageField {
  const [, name = '', mark = '', path = '', note] = /^([^?~!*]+)([?~!*])([\d.]+)(?::(.+))?$/.exec(word) ?? [];
  const presence = PRESENCE[mark];
  const type = note ?? modelSchema(model)?.fields.get(name)?.type;
  if (presence === undefined || type === undefined) {
    throw new RangeError(`Cannot read the field "${word}" of ${model}: its presence or type is not known`);
  }
  return { name, presence, path: path.split('.').map(Number), type };
}
