import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refresher } from '../../page/run/refresh.js';

const settled = (ms) => new Promise((done) => { setTimeout(done, ms); });

test('what changes while something is loaded is loaded after it, and no event is lost', async () => {
  const loads = [];
  let changes = 0;
  let wait;
  const refresher = new Refresher(async () => {
    const seen = changes;
    await new Promise((done) => { wait = done; });
    loads.push(seen);
  }, 1);
  changes = 1;
  refresher.changed();
  refresher.changed();
  await settled(20);
  changes = 2;
  refresher.changed();
  wait();
  await settled(300);
  wait();
  await settled(20);
  assert.deepEqual(loads, [1, 2]);
  refresher.stop();
});

test('nothing is loaded after it was stopped', async () => {
  let loads = 0;
  const refresher = new Refresher(async () => { loads += 1; }, 1);
  refresher.changed();
  refresher.stop();
  await settled(10);
  assert.equal(loads, 0);
});
