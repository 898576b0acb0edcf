import assert from 'node:assert/strict';
import { test } from 'node:test';

import { attributesLine, clip, counted, named, parts, visible } from '../../page/lib/text.js';

test('controls and marks of direction are shown as escapes', () => {
  assert.equal(visible('a\u001b[31mb\u202ec\n\u0007\ufeff'), 'a\\x1b[31mb\\u{202e}c\\n\\x07\\u{feff}');
  assert.equal(visible('Größe 注文 👩‍🚀 עברית'), 'Größe 注文 👩‍🚀 עברית');
  assert.equal(visible('\u{e0041}'), '\\u{e0041}');
  assert.equal(visible(undefined), '');
});

test('escapes are told apart from text that looks the same', () => {
  assert.deepEqual(parts('\\n\n'), [{ text: '\\n', escaped: false }, { text: '\\n', escaped: true }]);
  assert.deepEqual(parts('a\n\tb', { lines: true }), [{ text: 'a\n\tb', escaped: false }]);
  assert.deepEqual(parts(''), [{ text: '', escaped: false }]);
});

test('a long text is cut in the middle', () => {
  assert.equal(clip('abcdefghij', 10), 'abcdefghij');
  assert.equal(clip('abcdefghijk', 5), 'abc…k');
  const megabyte = clip('x'.repeat(1e6) + 'end', 20);
  assert.equal([...megabyte].length, 20);
  assert.ok(megabyte.endsWith('end'));
  // Never half a character.
  assert.equal(clip('👩👩👩👩👩👩', 4), '👩👩👩…');
});

test('counts and empty names have words', () => {
  assert.equal(counted(1, 'span'), '1 span');
  assert.equal(counted(12_000, 'span'), '12,000 spans');
  assert.equal(named(''), '(no name)');
});

test('attributes of a run are one line, which is bounded', () => {
  assert.equal(attributesLine([['order.id', 17], ['customer', 'Acme'], ['tags', ['a', 1]], ['none', null]], 400), 'order.id=17 · customer=Acme · tags=["a",1] · none=null');
  assert.equal(attributesLine([], 400), '');
  const many = Array.from({ length: 100_000 }, (_, n) => [`key ${n}`, 'x'.repeat(50)]);
  assert.equal(attributesLine(many, 400).length, 401);
});
