import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { ManualClock } from '#base/clock.ts';
import { createClient } from '#client/api-client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import type { NodeContext } from './node-context.ts';
import { fetchPodInputs } from './pod-inputs-agent.ts';

const HOUR_MS = 3_600_000;

const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: {
    serviceAccountName: 'builder',
    containers: [{ name: 'c' }],
    volumes: [
      {
        name: 'tokens',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'api' } },
            { serviceAccountToken: { path: 'vault', audience: 'vault', expirationSeconds: 7200 } },
          ],
        },
      },
    ],
  },
} as unknown as Pod;

test('tokens are asked for once, and anew when four fifths of the shortest of their lives are over', async () => {
  const clock = new ManualClock();
  const asked: string[] = [];
  const client = createClient(
    inProcessTransport(
      (request) => {
        const { spec } = request.body as { spec: { audiences: string[]; expirationSeconds: number } };
        asked.push(`${request.path} ${spec.audiences.join()} ${spec.expirationSeconds}`);
        const body = { apiVersion: 'v1', kind: 'TokenRequest', metadata: {}, status: { token: `t${asked.length}` } };
        return Promise.resolve({ kind: 'object', status: 201, body });
      },
      { username: 'system:node:n', groups: [] },
    ),
  );
  const node = { client, clock } as unknown as NodeContext;
  const tokensOf = ({ tokens }: { tokens: ReadonlyMap<string, string> }): string => [...tokens.values()].join(' ');

  const first = await fetchPodInputs(node, pod);
  assert.deepEqual(asked, [
    '/api/v1/namespaces/ns/serviceaccounts/builder/token  3600',
    '/api/v1/namespaces/ns/serviceaccounts/builder/token vault 7200',
  ]);
  assert.equal(first.refreshMs, 0.8 * HOUR_MS);
  await clock.advance(0.8 * HOUR_MS - 1);
  const same = await fetchPodInputs(node, pod, first);
  assert.equal(tokensOf(same), 't1 t2');
  await clock.advance(1);
  const next = await fetchPodInputs(node, pod, same);
  assert.equal(tokensOf(next), 't3 t4');
  assert.equal(asked.length, 4);
});
