import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drawEvents } from '../../page/run/draw/bars.js';

/** Where diamonds begin. */
function drawn(times) {
  const places = [];
  const ctx = { beginPath() {}, moveTo: (x) => places.push(x), lineTo() {}, closePath() {}, fill() {}, stroke() {} };
  drawEvents(ctx, times, (time) => time / 10, 20, { colors: {} }, false);
  return places;
}

test('each event has its place on the bar', () => {
  assert.deepEqual(drawn([0, 500, 1_000]), [0, 50, 100]);
  assert.deepEqual(drawn(undefined), []);
});

test('events that fall on one place are drawn once', () => {
  assert.deepEqual(drawn([100, 105, 110, 119, 130]), [10, 13]);
});
