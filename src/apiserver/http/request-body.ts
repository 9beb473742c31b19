import type { Clock } from '#base/clock.ts';
import { badRequest, entityTooLarge } from '#api/status.ts';
import { errorCode, errorMessage } from '#base/errors.ts';
import { mediaType } from '../body.ts';
import { StatusError } from '../status-error.ts';
import { header, type Exchange } from './exchange.ts';

/** 3 MiB, as in Kubernetes: objects are bounded by what etcd takes. */
export const MAX_BODY_BYTES: number = 3 * 1024 * 1024;
/** A client has so long to send all of its body. */
const BODY_TIMEOUT_MS = 60_000;

/** The whole body; throws the 413 as soon as it is certain that there is too much. */
function readBody(exchange: Exchange, clock: Clock): Promise<Buffer> {
  const declared = Number(header(exchange, 'content-length') ?? '0');
  if (declared > MAX_BODY_BYTES) return Promise.reject(new StatusError(entityTooLarge(MAX_BODY_BYTES)));
  return new Promise((resolve, reject) => {
    const { body } = exchange;
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.after(BODY_TIMEOUT_MS, () =>
      fail(new StatusError(badRequest('the body did not arrive in time'))),
    );
    const fail = (error: Error): void => {
      timer[Symbol.dispose]();
      body.removeAllListeners('data');
      reject(error);
    };
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) fail(new StatusError(entityTooLarge(MAX_BODY_BYTES)));
      else chunks.push(chunk);
    });
    body.on('end', () => {
      timer[Symbol.dispose]();
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    });
    body.on('error', fail);
    body.on('close', () => fail(new Error('the client has gone')));
  });
}

export interface BodyAsSent {
  readonly body: unknown;
  readonly contentType: string | undefined;
}

/** Text stays text, for JSON and YAML are read where it is known what they should be. Protobuf says what it is. */
export async function receiveBody(exchange: Exchange, clock: Clock): Promise<BodyAsSent> {
  const contentType = header(exchange, 'content-type');
  const bytes = await readBody(exchange, clock);
  if (mediaType(contentType) !== 'application/vnd.kubernetes.protobuf' || bytes.length === 0) {
    return { body: bytes.toString(), contentType };
  }
  // Loaded by the first such body: few clients send them.
  const { decodeKubernetesProtobuf } = await import('#api/protobuf/decode.ts');
  try {
    return { body: decodeKubernetesProtobuf(bytes), contentType: 'application/json' };
  } catch (error) {
    // A kind without a message, a custom one above all: whoever serves the path says that it does not take this form, or
    // that there is no such path.
    if (errorCode(error) === 'UnknownKind') return { body: bytes.toString(), contentType };
    throw new StatusError(badRequest(`the body cannot be decoded as protobuf: ${errorMessage(error)}`));
  }
}
