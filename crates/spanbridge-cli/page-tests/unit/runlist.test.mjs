import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filtersOf } from '../../page/lib/filters.js';
import { RunList } from '../../page/lib/runlist.js';

const at = (n) => `2026-11-30T10:00:${String(Math.floor(n / 1000)).padStart(2, '0')}.${String(n % 1000).padStart(3, '0')}000000Z`;
const run = (n, more = {}) => ({ runId: String(n).padStart(32, '0'), name: `run ${n}`, status: 'ok', services: ['shop'], spans: 1, errors: 0, startedAt: at(n), ...more });
const list = (query = '') => new RunList(filtersOf(new URLSearchParams(query)));
const filled = (query, numbers) => {
  const one = list(query);
  one.arrived({ rows: numbers.map((n) => run(n)), more: false });
  return one;
};
const names = (one) => one.rows.map((row) => row.name);
const WATCHING = { first: 0, last: 9, following: true };
const READING = { first: 0, last: 9, following: false };

test('who watches the top sees runs arrive there', () => {
  const one = filled('', [30, 20, 10]);
  const { above } = one.live([run(40), run(50)], WATCHING);
  assert.deepEqual(names(one), ['run 50', 'run 40', 'run 30', 'run 20', 'run 10']);
  assert.equal(above, 0);
  assert.equal(one.fresh.size, 0);
});

test('who reads has them above the view, and counted', () => {
  const one = filled('', [30, 20, 10]);
  const { above } = one.live([run(40), run(50)], READING);
  assert.equal(above, 2);
  assert.equal(one.fresh.size, 2);
  assert.deepEqual(names(one).slice(0, 2), ['run 50', 'run 40']);
});

test('a late run among the visible rows moves none of them', () => {
  const one = filled('', [30, 20, 10]);
  const { above } = one.live([run(25)], READING);
  assert.equal(above, 0);
  assert.deepEqual(names(one), ['run 30', 'run 20', 'run 10']);
  assert.equal(one.fresh.size, 1);
  assert.equal(one.release(), false);
  assert.deepEqual(names(one), ['run 30', 'run 25', 'run 20', 'run 10']);
  assert.equal(one.fresh.size, 0);
});

test('a run that changes stays where it is', () => {
  const one = filled('', [30, 20, 10]);
  const { changed, above } = one.live([run(20, { status: 'error' })], READING);
  assert.deepEqual([...changed], [run(20).runId]);
  assert.equal(above, 0);
  assert.equal(one.rows[1].status, 'error');
  assert.equal(one.live([run(20, { status: 'error' })], READING).changed.size, 0);
});

test('a run is there once, however often it comes', () => {
  const one = filled('', [30, 20]);
  one.live([run(40), run(40)], READING);
  one.refreshed([run(40), run(30), run(20)], READING);
  one.append([run(40), run(20)]);
  assert.deepEqual(names(one), ['run 40', 'run 30', 'run 20']);
});

test('what no filter lets in stays out', () => {
  const one = filled('status=error', []);
  one.live([run(1), run(2, { status: 'error' }), run(3, { failedWork: 1 })], WATCHING);
  assert.deepEqual(names(one), ['run 3', 'run 2']);
});

test('with a filter on attributes the server is asked', () => {
  const one = filled('attribute=order.id=1', [10]);
  assert.equal(one.live([run(20)], WATCHING).unknown, true);
  assert.deepEqual(names(one), ['run 10']);
});

test('what lies behind the loaded rows comes with its page', () => {
  const one = list();
  one.arrived({ rows: [run(30), run(20)], more: true });
  one.live([run(5)], READING);
  assert.deepEqual(names(one), ['run 30', 'run 20']);
  assert.equal(one.fresh.size, 0);
});

test('a list by duration holds new runs until asked', () => {
  const one = filled('sort=longest', [10, 20]);
  one.live([run(30)], WATCHING);
  assert.deepEqual(names(one), ['run 10', 'run 20']);
  assert.equal(one.fresh.size, 1);
  assert.equal(one.release(), true);
});

test('pages go on behind the last run, whatever arrives', () => {
  const one = list();
  one.arrived({ rows: [run(30), run(20)], more: true });
  one.live([run(40)], READING);
  const next = Object.fromEntries(one.next(100));
  // The end is exclusive: one nanosecond later includes runs that began at the same moment.
  assert.equal(next.until, '2026-11-30T10:00:00.020000001Z');
  assert.equal(next.page, undefined);
});

test('many runs of one moment do not stop the pages', () => {
  const one = list();
  const same = (n) => run(n, { startedAt: at(10) });
  one.arrived({ rows: [same(1), same(2)], more: true });
  one.arrived({ rows: [same(1), same(2)], more: true });
  assert.equal(Object.fromEntries(one.next(2)).page, '2');
  one.arrived({ rows: [same(3)], more: false });
  assert.equal(one.rows.length, 3);
});

test('a hole between old and new rows is noticed', () => {
  const one = filled('', [30, 20]);
  assert.equal(one.reaches([run(50), run(40)], true), false);
  assert.equal(one.reaches([run(50), run(30)], true), true);
  assert.equal(one.reaches([run(50)], false), true);
});

test('a run joins the line of the run that started it', () => {
  const one = filled('', [20]);
  one.live([run(40, { parentRunId: run(30).runId })], WATCHING);
  // Until the run that started it is stored, it has a line of its own.
  assert.deepEqual(names(one), ['run 40', 'run 20']);
  one.live([run(30, { descendants: 1 })], WATCHING);
  assert.deepEqual(names(one), ['run 30', 'run 20']);
  one.live([run(30, { descendants: 2, failedDescendants: 1 })], WATCHING);
  assert.equal(one.rows[0].failedDescendants, 1);
});

test('a run that the filter no longer lets in leaves', () => {
  const one = filled('status=open', []);
  const open = (n) => run(n, { status: 'open' });
  one.total = 0;
  one.live([open(10), open(20), open(30)], WATCHING);
  assert.equal(one.total, 3);
  one.live([run(20)], WATCHING);
  assert.deepEqual(names(one), ['run 30', 'run 10']);
  assert.equal(one.total, 2);
});

test('who reads sees it marked, and it leaves later', () => {
  const one = filled('status=open', []);
  one.live([run(10, { status: 'open' }), run(20, { status: 'open' })], WATCHING);
  const { above } = one.live([run(20)], READING);
  assert.equal(above, 0);
  assert.deepEqual(names(one), ['run 20', 'run 10']);
  assert.deepEqual([...one.gone], [run(20).runId]);
  // It is opened again: it belongs here.
  one.live([run(20, { status: 'open' })], READING);
  assert.equal(one.gone.size, 0);
  one.live([run(20)], READING);
  one.live([], WATCHING);
  assert.deepEqual(names(one), ['run 10']);
});

test('what the server no longer lists is marked, too', () => {
  const one = filled('error=declined', [40, 30, 20, 10]);
  one.asks();
  // This one came after the server was asked, so its answer says nothing of it.
  one.refreshed([run(50)], READING);
  one.asks();
  one.live([run(30)], READING);
  one.refreshed([run(50), run(20)], READING, true);
  assert.deepEqual([...one.gone], [run(40).runId]);
  one.refreshed([run(50), run(40), run(20)], READING, false);
  assert.deepEqual([...one.gone].sort(), [run(10).runId, run(30).runId]);
});

test('a list that is watched for weeks keeps the newest rows', () => {
  const one = filled('', [1]);
  one.total = 1;
  for (let n = 0; n < 100; n += 1) one.live(Array.from({ length: 100 }, (_, m) => run(2 + 100 * n + m)), WATCHING);
  assert.ok(one.rows.length <= 2_600, `${one.rows.length} rows`);
  assert.equal(one.byId.size, one.rows.length);
  assert.equal(one.total, 10_001);
  assert.equal(one.rows[0].name, 'run 10001');
  // What was let go of comes with its page.
  assert.equal(one.more, true);
  assert.equal(Object.fromEntries(one.next(100)).until.slice(0, 20), one.rows.at(-1).startedAt.slice(0, 20));
});

test('a list by age keeps the oldest, and what one looks at', () => {
  const one = filled('sort=oldest', [1]);
  for (let n = 0; n < 60; n += 1) one.live(Array.from({ length: 100 }, (_, m) => run(2 + 100 * n + m)), { first: 0, last: 9, following: true });
  assert.ok(one.rows.length <= 2_600, `${one.rows.length} rows`);
  assert.equal(one.rows[0].name, 'run 1');
  assert.equal(one.more, true);
  const deep = filled('', Array.from({ length: 9_000 }, (_, n) => 10_000 - n));
  deep.live([run(20_000)], { first: 8_000, last: 8_020, following: false });
  assert.equal(deep.rows.length, 8_521);
});

test('who looks away for weeks keeps no more than is counted', () => {
  for (const query of ['', 'sort=longest']) {
    const one = filled(query, [1]);
    for (let n = 0; n < 100; n += 1) one.live(Array.from({ length: 100 }, (_, m) => run(2 + 100 * n + m)), READING);
    assert.ok(one.rows.length + one.held.size <= 1_001, `${one.rows.length} rows, ${one.held.size} held`);
    assert.equal(one.missed, true);
    assert.equal(one.fresh.size, 1_000);
    assert.equal(one.release(), true);
  }
});
