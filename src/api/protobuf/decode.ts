import { PROTOBUF_KINDS } from '../generated/protobuf.ts';
import { readMessage } from './message-type.ts';
import { malformed, ProtobufError } from './protobuf-error.ts';
import { eachField, expect } from './value-types.ts';
import { DELIMITED, WireReader } from './wire-reader.ts';

/** `k8s` and a zero byte, before every object. */
const PREFIX = [0x6b, 0x38, 0x73, 0x00] as const;

/** `runtime.Unknown`: the object's bytes, and what they are. */
interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** Options of requests are of every group and version. */
const IN_ALL_VERSIONS = 'DeleteOptions';

let models: ReadonlyMap<string, string> | undefined;

function modelsByKind(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(PROTOBUF_KINDS).flatMap(([apiVersion, names]) =>
      names.split(' ').map((text) => {
        const [kind = '', model = kind] = text.split('=');
        return [`${apiVersion} ${kind}`, model] as const;
      }),
    ),
  );
}

function modelOf({ apiVersion, kind }: Envelope): string {
  models ??= modelsByKind();
  const model = kind === IN_ALL_VERSIONS ? kind : models.get(`${apiVersion} ${kind}`);
  if (model !== undefined) return model;
  throw new ProtobufError('UnknownKind', `Cannot decode "${apiVersion}, Kind=${kind}": its message is not known`);
}

/**
 * Reads an object in the form that clients send as `application/vnd.kubernetes.protobuf`, and gives what its JSON form
 * would be. Fields that are not known are skipped. Throws ProtobufError, and nothing else.
 */
export function decodeKubernetesProtobuf(bytes: Uint8Array): unknown {
  if (PREFIX.some((byte, i) => bytes[i] !== byte)) {
    throw malformed(`Cannot decode protobuf: it does not begin with the prefix [${PREFIX.join(' ')}]`);
  }
  const envelope = readEnvelope(bytes.subarray(PREFIX.length));
  const { apiVersion, kind } = envelope;
  const members = readMessage(modelOf(envelope), new WireReader(envelope.raw));
  return { kind, apiVersion, ...members };
}

function readEnvelope(bytes: Uint8Array): Envelope {
  const type = { apiVersion: '', kind: '' };
  let raw: Uint8Array = new Uint8Array();
  let encoding = '';
  const reader = new WireReader(bytes);
  while (reader.more) {
    const tag = reader.tag();
    const number = tag >>> 3;
    if (number > 3) {
      reader.skip(tag);
      continue;
    }
    expect(tag & 7, DELIMITED);
    if (number === 1) readTypeMeta(reader, type);
    else if (number === 2) raw = reader.bytes();
    else encoding = reader.text();
  }
  if (encoding !== '') throw malformed(`Cannot decode protobuf: its content is encoded as "${encoding}"`);
  return { ...type, raw };
}

/** `{apiVersion: 1, kind: 2}` */
function readTypeMeta(reader: WireReader, type: { apiVersion: string; kind: string }): void {
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expect(wireType, DELIMITED);
    type[number === 1 ? 'apiVersion' : 'kind'] = reader.text();
    return true;
  });
}
