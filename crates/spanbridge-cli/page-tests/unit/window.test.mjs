import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rowsInView, rowsToDraw, scrollFor, share } from '../../page/lib/window.js';

test('only rows in view are drawn, and some around', () => {
  const view = rowsInView({ top: 380, height: 380, row: 38, count: 100_000 });
  assert.deepEqual(view, { first: 10, last: 19 });
  assert.deepEqual(rowsToDraw(view, 100_000), { first: 2, last: 27 });
  assert.deepEqual(rowsInView({ top: 0, height: 380, row: 38, count: 0 }), { first: 0, last: -1 });
  assert.deepEqual(rowsInView({ top: 1e9, height: 380, row: 38, count: 5 }), { first: 4, last: 4 });
});

test('a chosen row comes into view, and one in view stays', () => {
  const box = { top: 380, height: 380, row: 38 };
  assert.equal(scrollFor({ index: 12, ...box }), null);
  assert.equal(scrollFor({ index: 2, ...box }), 38);
  assert.equal(scrollFor({ index: 30, ...box }), 32 * 38 - 380);
  assert.equal(scrollFor({ index: 0, ...box }), 0);
});

test('a longer run has a longer bar', () => {
  const shares = [0, 0.01, 1, 50, 1000, 60_000].map((ms) => share(ms, 100_000));
  assert.deepEqual(shares, shares.toSorted((a, b) => a - b));
  assert.equal(shares[0], 0);
  assert.ok(shares.at(-1) < 1);
});
