import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice } from '#api/generated/types.ts';
import { packEndpoints } from './endpoint-slice-packing.ts';

/** `a b! c`: endpoints by name, `!` for not ready. */
function endpoints(text: string): Endpoint[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({
      addresses: [`ip-${word.replace('!', '')}`],
      conditions: { ready: !word.endsWith('!') },
      targetRef: { kind: 'Pod', namespace: 'd', name: word.replace('!', '') },
    }));
}

function format(list: readonly Endpoint[]): string {
  return list
    .map(({ targetRef, conditions }) => `${targetRef?.name}${conditions?.ready === true ? '' : '!'}`)
    .join(' ');
}

function pack(existing: Readonly<Record<string, string>>, desired: string): string[] {
  const slices = Object.entries(existing).map(
    ([name, text]) => ({ metadata: { name }, endpoints: endpoints(text) }) as unknown as EndpointSlice,
  );
  const packing = packEndpoints(slices, endpoints(desired), 4);
  return [
    ...packing.create.map((list) => `create [${format(list)}]`),
    ...packing.update.map(({ slice, endpoints: list }) => `update ${slice.metadata.name} [${format(list)}]`),
    ...packing.delete.map(({ metadata }) => `delete ${metadata.name}`),
  ];
}

const cases = [
  { name: 'nothing for nothing', existing: {}, desired: '', writes: [] },
  { name: 'no write when nothing changed, in whatever order', existing: { x: 'a b' }, desired: 'b a', writes: [] },
  {
    name: 'new slices, full ones first',
    existing: {},
    desired: 'a b c d e',
    writes: ['create [a b c d]', 'create [e]'],
  },
  {
    name: 'a changed endpoint in its place',
    existing: { x: 'a b', y: 'c' },
    desired: 'a! b c',
    writes: ['update x [a! b]'],
  },
  { name: 'a removed endpoint', existing: { x: 'a b', y: 'c' }, desired: 'b c', writes: ['update x [b]'] },
  { name: 'an emptied slice deleted', existing: { x: 'a', y: 'c' }, desired: 'c', writes: ['delete x'] },
  {
    name: 'new endpoints in a slice that is written anyway, rather than in a fuller one that is not',
    existing: { x: 'a b', y: 'c d e' },
    desired: 'b c d e f',
    writes: ['update x [b f]'],
  },
  {
    name: 'of two changed slices the fuller one first',
    existing: { x: 'a b', y: 'c d e' },
    desired: 'b d e f g h',
    writes: ['update x [b h]', 'update y [d e f g]'],
  },
  {
    name: 'new endpoints all in the one unchanged slice that they fill best',
    existing: { x: 'a', y: 'b c', z: 'd e f' },
    desired: 'a b c d e f g h',
    writes: ['update y [b c g h]'],
  },
  {
    name: 'a new slice where no single one has room for all',
    existing: { x: 'a b', y: 'c d e' },
    desired: 'a b c d e f g h',
    writes: ['create [f g h]'],
  },
  {
    name: 'no moving to even out what became sparse',
    existing: { x: 'a', y: 'b', z: 'c' },
    desired: 'a b c',
    writes: [],
  },
  {
    name: 'everything new at once',
    existing: { x: 'a b', y: 'c' },
    desired: 'd e f',
    writes: ['create [d e f]', 'delete x', 'delete y'],
  },
] as const;

for (const c of cases) {
  test(`packEndpoints() gives ${c.name}`, () => {
    assert.deepEqual(pack(c.existing, c.desired), c.writes);
  });
}
