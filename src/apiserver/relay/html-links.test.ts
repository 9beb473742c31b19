import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { proxiedLinks, withProxiedLinks } from './html-links.ts';

const base = { prefix: '/P', host: '10.0.0.1:80' };

const cases = [
  ['<a href="/x">t</a>', '<a href="/P/x">t</a>'],
  ["<a class=b href='/x?y=1#z'>t</a>", "<a class=b href='/P/x?y=1#z'>t</a>"],
  ['<IMG SRC=/x.png alt="/x">', '<IMG SRC=/P/x.png alt="/x">'],
  ['<img src="/x"/>', '<img src="/P/x"/>'],
  ['<a\n href = "/x"\n>t</a>', '<a\n href = "/P/x"\n>t</a>'],
  ['<a href="x/y">t</a>', '<a href="x/y">t</a>'],
  ['<a href="//other/x">t</a>', '<a href="//other/x">t</a>'],
  ['<a href="https://other/x">t</a>', '<a href="https://other/x">t</a>'],
  ['<a href="http://10.0.0.1:80/x">t</a>', '<a href="/P/x">t</a>'],
  ['<a href="http://10.0.0.1:80">t</a>', '<a href="/P/">t</a>'],
  ['<a href="/P/x">t</a>', '<a href="/P/x">t</a>'],
  ['<p title="/x" href="/x">/x</p>', '<p title="/x" href="/x">/x</p>'],
  ['<!-- <a href="/x"> --><form action=/y>', '<!-- <a href="/x"> --><form action=/P/y>'],
  ['<a title="a > b" href="/x">', '<a title="a > b" href="/P/x">'],
  ['1 < 2 <a href="/x">', '1 < 2 <a href="/P/x">'],
  ['<a href="/é">', '<a href="/P/é">'],
  ['<a href="/x"', '<a href="/x"'],
] as const;

for (const [html, expected] of cases) {
  test(`links of ${JSON.stringify(html)}`, async () => {
    assert.equal(withProxiedLinks(html, base), expected);
    const pieces = proxiedLinks(base);
    const whole = buffer(pieces);
    for (const byte of Buffer.from(html)) pieces.write(Buffer.from([byte]));
    pieces.end();
    assert.equal((await whole).toString(), expected);
  });
}

test('a page of one endless tag is read in time that grows with its length only', async () => {
  const pieces = proxiedLinks(base);
  const whole = buffer(pieces);
  const piece = Buffer.from('<a b=c '.repeat(1_000));
  for (let i = 0; i < 100; i++) pieces.write(piece);
  pieces.end();
  assert.equal((await whole).length, 700_000);
});
