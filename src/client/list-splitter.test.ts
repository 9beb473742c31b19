import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListSplitter } from './list-splitter.ts';

/** In pieces of so many bytes. */
function split(text: string, size: number): { readonly rest: unknown; readonly items: readonly unknown[] } {
  const items: unknown[] = [];
  const splitter = new ListSplitter({ onHead: () => {}, onItem: (item) => items.push(item) });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
  return { rest: splitter.end(), items };
}

const lists: readonly (readonly [string, object])[] = [
  ['none', { kind: 'PodList', metadata: { resourceVersion: '7' }, items: [] }],
  ['no items at all', { kind: 'Status', code: 410, message: 'too old: "items":[{}]' }],
  ['one', { kind: 'PodList', items: [{ a: 1 }], metadata: { continue: 'x' } }],
  [
    'texts that look like the end, escapes, letters of many bytes, and lists in lists',
    {
      metadata: { items: [{ not: 'these' }], note: 'items' },
      items: [
        { a: '}]}"\\', b: [[], [{}], { items: [1, { c: null }] }], '\\"': '\u{1f680} \u00e9' },
        {},
        { items: [{ deep: { deeper: ['[{'] } }] },
      ],
      after: { items: [{ nor: 'these' }] },
    },
  ],
];

for (const [title, list] of lists) {
  test(`a list is told item by item wherever it is cut: ${title}`, () => {
    const { items = [], ...rest } = list as { readonly items?: readonly unknown[] };
    const without = 'items' in list ? { ...list, items: [] } : rest;
    for (const text of [JSON.stringify(list), JSON.stringify(list, undefined, 1)]) {
      for (const size of [1, 2, 3, 7, 16, 1000]) {
        assert.deepEqual(split(text, size), { rest: without, items });
      }
    }
  });
}

test('what is no list, or half of one, is an error', () => {
  const broken = [
    '',
    '{',
    '{"items":[{"a":1}',
    '{"items":[{"a":1}]',
    '{"items":[1]}',
    '{"items":[{"a"}]}',
    '{"items":[{]}',
  ];
  for (const text of broken) for (const size of [1, 100]) assert.throws(() => split(text, size), SyntaxError, text);
});

test('the head and the items before the fault were told', () => {
  const told: unknown[] = [];
  const splitter = new ListSplitter({ onHead: (head) => told.push(head), onItem: (item) => told.push(item) });
  splitter.push(Buffer.from('{"metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":2},{"c"'));
  assert.deepEqual(told, [{ metadata: { resourceVersion: '7' }, items: [] }, { a: 1 }, { b: 2 }]);
});
