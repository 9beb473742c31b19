import { decodeMessage } from './decode-message.ts';
import { messageSchema } from './message-schema.ts';
import { WireReader } from './wire-reader.ts';

/** Every protobuf body of the API begins with this: `k8s` and a zero byte. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00] as const;

/**
 * Decodes a body of `application/vnd.kubernetes.protobuf`: the magic, then a runtime.Unknown that says which kind its
 * `raw` holds. Throws `SyntaxError` or `TypeError` where it cannot.
 */
export function decodeEnvelope(body: Uint8Array): Record<string, unknown> {
  if (MAGIC.some((byte, i) => body[i] !== byte)) {
    throw new SyntaxError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  const reader = new WireReader(body.subarray(MAGIC.length));
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (field === 1 && type === 2) ({ apiVersion, kind } = decodeTypeMeta(reader.bytes()));
    else if (field === 2 && type === 2) raw = reader.bytes();
    else reader.skip(type);
  }
  return { apiVersion, kind, ...decodeMessage(messageOf(apiVersion, kind), raw) };
}

function decodeTypeMeta(bytes: Uint8Array): { apiVersion: string; kind: string } {
  const reader = new WireReader(bytes);
  const meta = { apiVersion: '', kind: '' };
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (field === 1 && type === 2) meta.apiVersion = reader.text();
    else if (field === 2 && type === 2) meta.kind = reader.text();
    else reader.skip(type);
  }
  return meta;
}

/** `apps/v1`, `Deployment` -> `apps.v1.Deployment`: packages are named by the first label of the group. */
function messageOf(apiVersion: string, kind: string): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  const own = `${group?.split('.')[0] ?? ''}.${version ?? ''}.${kind}`;
  // Options travel under the group of the resource that they are about.
  const name = messageSchema(own) === undefined && kind === 'DeleteOptions' ? 'meta.v1.DeleteOptions' : own;
  if (messageSchema(name) === undefined) {
    throw new TypeError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  }
  return name;
}
