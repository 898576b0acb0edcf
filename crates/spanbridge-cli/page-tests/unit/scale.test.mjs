import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Scale, offset, stepOf, ticks } from '../../page/run/model/scale.js';

test('ticks are round and have the unit of their step', () => {
  assert.deepEqual(ticks(new Scale({ from: 0, to: 4.1e9 }), 6).map((tick) => tick.text), ['0', '1 s', '2 s', '3 s', '4 s']);
  const near = new Scale({ from: 0, to: 4.1e9 });
  near.show(2.0e9, 2.004e9);
  assert.deepEqual(ticks(near, 5).map((tick) => tick.text), ['2.000 s', '2.001 s', '2.002 s', '2.003 s', '2.004 s']);
  assert.deepEqual([offset(5400e9, 1800e9), offset(90061e9, 1e9), offset(250, 50), offset(1.5e6, 5e5), offset(125.25e9, 5e7)], ['1h 30m', '1d 1h 1m', '250 ns', '1.5 ms', '2m 5.25s']);
  assert.equal(stepOf(1e18, 5), 5000 * 86400e9);
});

test('ticks count from where the run begins', () => {
  const scale = new Scale({ from: 60e9, to: 62e9 });
  assert.deepEqual(ticks(scale, 4), [{ time: 60e9, text: '0' }, { time: 61e9, text: '1 s' }, { time: 62e9, text: '2 s' }]);
});

test('zooming keeps the time under the pointer', () => {
  const scale = new Scale({ from: 0, to: 1e9 });
  const before = scale.x(3e8, 1000);
  scale.zoom(8, 3e8);
  assert.ok(Math.abs(scale.x(3e8, 1000) - before) < 1e-6);
  assert.ok(Math.abs(scale.time(scale.x(4e8, 1000), 1000) - 4e8) < 1);
});

test('nobody gets lost: zoom and pan end where the run does', () => {
  const scale = new Scale({ from: 5e9, to: 6e9 });
  for (let i = 0; i < 100; i += 1) scale.zoom(2);
  assert.ok(scale.span >= 99);
  for (let i = 0; i < 100; i += 1) scale.pan(1e6);
  assert.ok(scale.time(1, 1) <= 6.1e9 && scale.time(0, 1) > 5.9e9);
  for (let i = 0; i < 100; i += 1) scale.zoom(0.5);
  assert.ok(scale.isWhole && scale.time(0, 1) > 4.9e9 && scale.time(1, 1) < 6.1e9);
  scale.fit();
  assert.ok(scale.isWhole);
});

test('a run that took no time has an axis', () => {
  const scale = new Scale({ from: 0, to: 0 });
  assert.ok(Number.isFinite(scale.x(0, 100)) && scale.span > 0);
  assert.ok(ticks(scale, 5).length < 50);
});

test('a long wait takes little room, and all else is as long as before', () => {
  const scale = new Scale({ from: 0, to: 1000e9 });
  scale.cut([[2e9, 997e9]]);
  assert.ok(scale.length < 6e9);
  const width = (from, to) => scale.x(to, 1000) - scale.x(from, 1000);
  assert.ok(Math.abs(width(0, 1e9) - width(998e9, 999e9)) < 1e-6);
  assert.ok(width(2e9, 997e9) < width(0, 1e9));
  for (const time of [-1e9, 0, 2e9, 500e9, 997e9, 999e9, 1001e9]) assert.ok(Math.abs(scale.time(scale.x(time, 1000), 1000) - time) < 1e3, `${time}`);
  assert.deepEqual(ticks(scale, 6).map((tick) => tick.text), ['0', '1 s', '2 s', '16m 37s', '16m 38s', '16m 39s', '16m 40s']);
  scale.show(998e9, 999e9);
  assert.ok(!scale.sees(0, 1e9) && scale.sees(998.5e9, 998.6e9) && !scale.isWhole);
  scale.cut([]);
  assert.ok(scale.isWhole && scale.length === 1000e9);
});
