import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ago, duration, durationMs, millis } from '../../page/lib/time.js';

test('durations have the words of the command line', () => {
  const cases = [
    [0, '0 ns'], [999, '999 ns'], [1_000, '1.00 µs'], [9_994, '9.99 µs'], [9_995, '10.0 µs'], [99_949, '99.9 µs'], [999_499, '999 µs'],
    [999_500, '1.00 ms'], [12_345_678, '12.3 ms'], [2_000_000_000, '2.00 s'], [59_949_999_999, '59.9 s'], [59_950_000_000, '1m 00s'],
    [3_599_499_999_999, '59m 59s'], [3_599_500_000_000, '1h 00m'], [90_061e9, '1d 01h'], [1_000 * 86_400e9, '1000d'],
  ];
  for (const [nanos, words] of cases) assert.equal(duration(nanos), words, String(nanos));
  assert.equal(durationMs(2_000), '2.00 s');
});

test('a time in the future is called that', () => {
  const now = 1_000_000_000_000;
  assert.equal(ago(now + 1_001, now), 'in the future');
  assert.equal(ago(now + 900, now), 'just now');
  assert.equal(ago(now - 119_000, now), '119s ago');
  assert.equal(ago(now - 120_000, now), '2m ago');
  assert.equal(ago(now - 172_800_000, now), '2d ago');
});

test('nanoseconds do not disturb the time', () => {
  assert.equal(millis('2026-11-20T09:25:46.250999999Z'), Date.UTC(2026, 10, 20, 9, 25, 46, 250));
});
