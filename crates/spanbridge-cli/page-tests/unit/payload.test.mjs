import assert from 'node:assert/strict';
import { test } from 'node:test';

import { valueText } from '../../page/lib/text.js';
import { bytes, indented, payloadText } from '../../page/run/model/payload.js';

test('JSON is indented, and keeps its order and its digits', () => {
  assert.equal(indented('{"b":1.50,"a":[],"c":{},"d":[1,{"e":"x,y:{}"}],"n":12345678901234567890}'),
    '{\n  "b": 1.50,\n  "a": [],\n  "c": {},\n  "d": [\n    1,\n    {\n      "e": "x,y:{}"\n    }\n  ],\n  "n": 12345678901234567890\n}');
  assert.equal(indented('{"a":'), null);
  assert.equal(indented('"a\\"b"'), '"a\\"b"');
});

test('what was cut is said', () => {
  const cut = payloadText({ preview: '{"a":1', contentType: 'application/json', encoding: 'utf-8', sizeBytes: 4021 });
  assert.deepEqual(cut, { text: '{"a":1', note: '6 B of 4.0 kB were captured' });
  assert.deepEqual(payloadText({ contentType: 'text/plain', sizeBytes: 20 }), { text: null, note: 'not captured: recorded by reference, 20 B' });
  const long = payloadText({ preview: 'x\n'.repeat(2000), contentType: 'text/plain', encoding: 'utf-8', sizeBytes: 4000 });
  assert.equal(long.text.split('\n').length, 800);
  assert.equal(long.note, '1201 more lines');
});

test('payloads are shown by their type', () => {
  assert.equal(payloadText({ preview: 'a=1&b=x%20y', contentType: 'application/x-www-form-urlencoded', sizeBytes: 11 }).text, 'a = 1\nb = x y');
  assert.equal(payloadText({ preview: '<a><b/></a>', contentType: 'application/xml', sizeBytes: 11 }).text, '<a>\n<b/>\n</a>');
  assert.equal(payloadText({ preview: '00414aff', encoding: 'hex', sizeBytes: 4 }).text, `000000  ${'00 41 4a ff'.padEnd(48)} ·AJ·`);
});

test('sizes and values are text', () => {
  assert.deepEqual([0, 999, 1000, 25_000, 3_000_000, 2e9].map(bytes), ['0 B', '999 B', '1.0 kB', '25 kB', '3.0 MB', '2.0 GB']);
  assert.deepEqual(['x', 1, true, null, [1]].map(valueText), ['x', '1', 'true', 'null', '[\n  1\n]']);
});
