import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Feed } from '../../page/lib/feed.js';
import { filtersOf } from '../../page/lib/filters.js';
import { RunList } from '../../page/lib/runlist.js';

const run = (n, more = {}) => ({
  runId: String(n).padStart(32, '0'), name: `run ${n}`, status: 'ok', services: [], spans: 1, errors: 0, startedAt: `2026-11-30T10:00:00.${String(n).padStart(9, '0')}Z`, ...more,
});
const settled = () => new Promise((done) => { setTimeout(done); });

/** A server with these runs, newest first, and a stream that the test speaks through. */
function server(numbers) {
  const here = { runs: numbers.map((n) => run(n)), on: null, told: [], questions: 0, watches: true };
  const get = async (path, { query }) => {
    here.questions += 1;
    const asked = Object.fromEntries(query);
    if (asked.count) return { count: here.runs.length };
    const before = here.runs.filter((one) => !asked.until || one.startedAt < asked.until);
    return { runs: before.slice(0, Number(asked.limit)), more: before.length > Number(asked.limit) };
  };
  const follow = (what, on) => { here.on = on; return () => {}; };
  const list = new RunList(filtersOf(new URLSearchParams()));
  const looking = () => ({ first: 0, last: 9, following: here.watches });
  const feed = new Feed({ list, get, follow, looking, onChange: () => {}, onConnection: (state) => here.told.push(state.name) });
  return Object.assign(here, { list, feed, names: () => list.rows.map((one) => one.name) });
}

test('runs recorded before the stream began are not missed', async () => {
  const here = server([2, 1]);
  here.feed.start();
  await settled();
  here.runs.unshift(run(3));
  here.on.state({ name: 'live' });
  await settled();
  assert.deepEqual(here.names(), ['run 3', 'run 2', 'run 1']);
});

test('after a lost connection each run is there once', async () => {
  const here = server([2, 1]);
  here.feed.start();
  here.on.state({ name: 'live' });
  await settled();
  here.on.state({ name: 'lost' });
  here.runs.unshift(run(5), run(4), run(3));
  here.on.state({ name: 'live' });
  here.on.runs([run(4), run(5)]);
  await settled();
  assert.deepEqual(here.names(), ['run 5', 'run 4', 'run 3', 'run 2', 'run 1']);
  assert.equal(here.list.total, 5);
});

test('a pause holds everything back, and counts it', async () => {
  const here = server([1]);
  here.feed.start();
  here.on.state({ name: 'live' });
  await settled();
  here.feed.pause();
  here.on.runs([run(2), run(2), run(1, { status: 'error' })]);
  here.runs.unshift(run(3), run(2));
  here.on.resync();
  await settled();
  assert.deepEqual(here.names(), ['run 1']);
  assert.equal(here.list.rows[0].status, 'ok');
  assert.equal(here.feed.fresh, 2);
  here.feed.pause();
  assert.deepEqual(here.names(), ['run 3', 'run 2', 'run 1']);
  assert.equal(here.list.rows[2].status, 'error');
  assert.deepEqual(here.told, ['live', 'paused', 'live']);
});

test('a long pause keeps each run once', async () => {
  const here = server([1]);
  here.feed.start();
  here.on.state({ name: 'live' });
  await settled();
  here.feed.pause();
  for (let n = 0; n < 10_000; n += 1) here.on.runs([run(2, { spans: n })]);
  assert.equal(here.feed.waiting.rows.size, 1);
  here.feed.pause();
  assert.equal(here.list.rows[0].spans, 9_999);
});

test('if too much came to connect, the list begins anew', async () => {
  const here = server([2, 1]);
  here.feed.start();
  await settled();
  here.runs = Array.from({ length: 400 }, (_, n) => run(400 - n)).filter((one) => one.name !== 'run 300');
  here.on.resync();
  await settled();
  assert.equal(here.list.rows.length, 100);
  assert.equal(here.names()[0], 'run 400');
  assert.equal(here.list.more, true);
  await here.feed.load();
  assert.equal(here.names()[100], 'run 299');
});

test('an answer that does not come is said and can be repeated', async () => {
  const here = server([1]);
  const { get } = here.feed;
  here.feed.get = () => Promise.reject(new Error('no answer'));
  here.feed.start();
  await settled();
  assert.equal(here.feed.state.failed.message, 'no answer');
  here.feed.get = get;
  here.on.state({ name: 'live' });
  await settled();
  assert.equal(here.feed.state.failed, null);
  assert.deepEqual(here.names(), ['run 1']);
});

test('who comes back after weeks sees the newest runs', async () => {
  const here = server([1]);
  here.feed.start();
  here.on.state({ name: 'live' });
  await settled();
  here.watches = false;
  for (let n = 2; n < 3_000; n += 1) {
    here.runs.unshift(run(n));
    here.on.runs([run(n)]);
  }
  assert.ok(here.list.rows.length <= 1_001, `${here.list.rows.length} rows`);
  assert.equal(here.feed.isMoreFresh, true);
  // The next one that comes is asked for with all the others.
  here.watches = true;
  here.runs.unshift(run(3_000));
  here.on.runs([run(3_000)]);
  await settled();
  assert.equal(here.names()[0], 'run 3000');
  assert.equal(here.names()[1], 'run 2999');
  assert.equal(here.feed.isMoreFresh, false);
  assert.equal(here.list.total, 3_000);
});

test('a pause of weeks keeps no more than is counted', async () => {
  const here = server([1]);
  here.feed.start();
  here.on.state({ name: 'live' });
  await settled();
  here.feed.pause();
  for (let n = 2; n < 3_000; n += 1) {
    here.runs.unshift(run(n));
    here.on.runs([run(n)]);
  }
  assert.equal(here.feed.waiting.rows.size, 1_000);
  assert.equal(here.feed.isMoreFresh, true);
  here.feed.release();
  await settled();
  assert.equal(here.names()[0], 'run 2999');
});
