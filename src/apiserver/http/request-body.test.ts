import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { decodeBody } from '../body.ts';
import { StatusError } from '../status-error.ts';
import type { Exchange } from './exchange.ts';
import { receiveBody, type BodyAsSent } from './request-body.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** `kubectl create configmap c --from-literal=a=b`, its metadata cut short. */
const configMap = '6b3873000a0f0a02763112 09436f6e6669674d6170 120d 0a030a0163 12060a01611201 62';
const widget = '6b3873000a180a0e6578616d706c652e636f6d2f7631 1206576964676574 1200';

const user = { username: 'jane', groups: [] };

function receive(hex: string, contentType: string): Promise<BodyAsSent> {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const exchange = { headers: { 'content-type': contentType }, body: Readable.from([bytes]) } as unknown as Exchange;
  return receiveBody(exchange, new ManualClock());
}

test('a body in protobuf becomes what it would be in JSON', async () => {
  assert.deepEqual(await receive(configMap, `${PROTOBUF};charset=utf-8`), {
    body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'c' }, data: { a: 'b' } },
    contentType: 'application/json',
  });
});

test('an empty body is empty in any form', async () => {
  assert.deepEqual(await receive('', PROTOBUF), { body: '', contentType: PROTOBUF });
});

test('other bodies stay text', async () => {
  assert.deepEqual(await receive('7b7d', 'application/json'), { body: '{}', contentType: 'application/json' });
});

test('a body whose message is not known is left to whoever serves the path', async () => {
  const { body, contentType } = await receive(widget, PROTOBUF);
  assert.equal(contentType, PROTOBUF);
  await assert.rejects(
    decodeBody({ method: 'POST', path: '/', query: {}, user, body, contentType }, 'Widget'),
    refusal(
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ),
  );
});

test('JSON that is called protobuf is refused', async () => {
  await assert.rejects(
    receive('7b7d', PROTOBUF),
    refusal(
      400,
      'the body cannot be decoded as protobuf: Cannot decode protobuf: it does not begin with the prefix [107 56 115 0]',
    ),
  );
});

function refusal(code: number, message: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof StatusError);
    assert.deepEqual([error.status.code, error.status.message], [code, message]);
    return true;
  };
}
