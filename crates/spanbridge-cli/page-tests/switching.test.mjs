// Going to and fro: Back and Forward in every order, answers that come late, answers that do not come.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { small_stories } from './support/prepared.mjs';
import { Server, directory, store } from './support/programs.mjs';
import { Recording, MS } from './support/records.mjs';
import { choose, open_run, panel, shown } from './support/run.mjs';
import { queueWait, small } from './support/stories.mjs';

const rows = (page) => page.locator('[role=row][data-run-id]');
const row = (page, name) => rows(page).filter({ hasText: name });
const head = (page) => page.locator('.runhead h1').innerText();

/** Lets the answers to these requests wait until what is returned is called. */
async function hold(page, pattern) {
  let release;
  const released = new Promise((done) => { release = done; });
  await page.route(pattern, async (route) => {
    await released;
    await route.continue().catch(() => {});
  });
  return () => { release(); return page.unroute(pattern); };
}

page_test('Back and Forward lead through every view as it was', { server: small_stories }, async (page) => {
  await row(page, 'nightly report').first().locator('a.cover').click();
  await shown(page);
  await choose(page, 'send mail');
  const way = [];
  const look = async () => ({ url: page.url(), head: await page.locator('h1, h2').first().innerText(), views: await page.locator('.tabs [aria-current=page]').allInnerTexts() });
  const note = async () => {
    let before;
    await until('a view that stays as it is', async () => {
      await page.waitForTimeout(500);
      const seen = JSON.stringify(await look());
      const stays = seen === before;
      before = seen;
      return stays;
    });
    way.push(JSON.parse(before));
  };
  await note();
  await page.keyboard.press('2');
  await note();
  await page.keyboard.press('w');
  await page.getByRole('heading', { name: /failure/ }).waitFor();
  await note();
  await page.keyboard.press('5');
  await note();
  await page.keyboard.press('d');
  await page.waitForURL(/\/diff\//);
  await note();
  await page.keyboard.press('D');
  await page.waitForURL(/\/doctor$/);
  await note();
  const at = (n) => until(`place ${n} as it was`, async () => JSON.stringify(await look()) === JSON.stringify(way[n]));
  for (let n = way.length - 2; n >= 0; n -= 1) { await page.goBack(); await at(n); }
  for (let n = 1; n < way.length; n += 1) { await page.goForward(); await at(n); }
  for (let n = 0; n < way.length - 1; n += 1) await page.goBack();
  await at(0);
  assert.match(await page.locator('#run-current').innerText(), /^send mail/);
  await page.goBack();
  await rows(page).first().waitFor();
});

page_test('a late answer is not shown for another run', { server: small_stories }, async (page) => {
  const release = await hold(page, /\/rows\?/);
  await row(page, 'POST /refunds').locator('a.cover').click();
  await page.waitForURL(/\/runs\//);
  await page.goBack();
  await row(page, 'GET /account').locator('a.cover').click();
  await page.waitForURL(/\/runs\//);
  await release();
  await shown(page);
  assert.equal(await head(page), 'GET /account');
  await page.waitForTimeout(500);
  assert.equal(await head(page), 'GET /account');
  assert.match(await page.locator('.facts').innerText(), /^7 spans/);
});

page_test('a late find takes nobody away from where they went', { server: small_stories }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs');
  const release = await hold(page, /\/api\/v1\/find\//);
  await page.locator('#find').fill(runs.find(({ name }) => name === 'POST /refunds').runId);
  await page.keyboard.press('Enter');
  await row(page, 'GET /account').locator('a.cover').click();
  await shown(page);
  await release();
  await page.waitForTimeout(700);
  assert.equal(await head(page), 'GET /account');
});

page_test('Back wins over a selection that has just been made', { server: small_stories }, async (page, { server }) => {
  await open_run(page, server, 'POST /refunds');
  await choose(page, 'publish refunds');
  await page.waitForURL(/span=/);
  const before = page.url();
  await page.keyboard.press('2');
  await page.waitForURL(/view=tree/);
  await page.keyboard.press('3');
  await page.waitForURL(/view=services/);
  await page.goBack();
  await page.waitForURL(/view=tree/);
  // The page has no time to put the selection into the address.
  await page.evaluate(() => {
    document.querySelector('#run-rows').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    history.back();
  });
  await page.waitForTimeout(700);
  assert.equal(page.url(), before);
  assert.match(await page.locator('#run-current').innerText(), /^publish refunds/);
});

page_test('a mark waits for the run it is compared with', { server: small_stories }, async (page) => {
  await row(page, 'POST /orders').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('m');
  const marked = await rows(page).first().getAttribute('data-run-id');
  await page.keyboard.press('/');
  await page.keyboard.type('refunds');
  await page.keyboard.press('Enter');
  await until('only the other run', async () => (await rows(page).count()) === 1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('d');
  await page.waitForURL(new RegExp(`/diff/${marked}/`));
});

const unchecked = [/500 \(Internal Server Error\)/];

page_test('doctor that does not answer is not taken for content', { server: small_stories, expected: unchecked }, async (page, { server }) => {
  await page.route(/\/doctor$/, (route) => (route.request().resourceType() === 'document' ? route.continue() : route.fulfill({ status: 500, json: { error: { code: 'x', message: 'no' } } })));
  await open_run(page, server, 'POST /parcels');
  await page.getByText('doctor did not answer').waitFor({ timeout: 20_000 });
});

/** A run that another one started. */
function child(name, parent, start) {
  const run = new Recording(name, start);
  run.record('mailer', 'run:start', { name, startedAt: run.time(0), rootPrimitive: 'flow.run', parentRunId: parent.runId, triggeredBySpanId: parent.records.find(({ spanId }) => spanId).spanId });
  run.span('mailer: send mail', 'custom.operation', { at: 1 * MS, took: null });
  return run;
}

const family = async () => {
  const now = Date.now();
  const parent = small('bulk order', now - 5_000);
  const first = child('first', parent, now - 4_000);
  const second = child('second', first, now - 3_000);
  const server = await Server.start(store(directory('family'), [parent, first, second]));
  return Object.assign(server, { first, second });
};

page_test('what a run started changes in its page while it is open', { fresh: family }, async (page, { server }) => {
  await page.goto(`${server.url}/runs/${server.first.runId}`);
  await shown(page);
  await page.getByText('2 spans', { exact: true }).waitFor();
  await page.waitForTimeout(1_000);
  server.second.span('mailer: look up the address', 'custom.operation', { parent: server.second.records.at(-1).spanId, at: 2 * MS });
  store(server.db, server.second);
  await page.getByText('3 spans', { exact: true }).waitFor();
});

const forked = async () => {
  // One look at the clock: the test reads how far they are apart.
  const now = Date.now();
  const parent = small('import', now - 60_000);
  const late = new Recording('index', now - 58_000);
  late.record('indexer', 'run:start', { name: 'index', startedAt: late.time(0), rootPrimitive: 'flow.run', parentRunId: parent.runId, triggeredBySpanId: parent.records.find(({ spanId }) => spanId).spanId });
  late.span('indexer: build index', 'flow.step', { at: 0, took: 500 * MS });
  late.record('indexer', 'run:end', { endedAt: late.time(500 * MS), status: 'ok' });
  return Server.start(store(directory('forked'), [parent, late]));
};

page_test('a run that was started without a queue waits in none', { fresh: forked }, async (page, { server }) => {
  await open_run(page, server, 'import', { query: '?path=1' });
  const facts = page.locator('.facts');
  await facts.getByText(/Critical path: .*1\.97 s idle/).waitFor();
  assert.doesNotMatch(await facts.innerText(), /in queues|queued/);
  assert.doesNotMatch(await choose(page, 'build index'), /queued/);
  await panel(page);
  assert.doesNotMatch(await panel(page), /Queued/);
});

page_test('what cannot be compared is said in a sentence', { server: small_stories, expected: [/404 \(Not Found\)/] }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs?name=POST+/orders');
  await page.goto(`${server.url}/diff/${runs[0].runId}/last-good`);
  await page.getByText(/^Failed to find a good run before/).waitFor();
});

page_test('events come with the times at which bars show them', { server: small_stories }, async (page, { server }) => {
  const { runId } = await open_run(page, server, 'POST /orders');
  const { sparse } = await server.json(`/api/v1/runs/${runId}/rows`);
  assert.deepEqual(Object.values(sparse.eventTimes), [[2_080 * MS]]);
  await page.locator('.legend').getByText('event', { exact: true }).waitFor();
});

const case_of = () => Server.start(store(directory('case'), [queueWait(Date.now() - 60_000)]));

page_test('a search finds names in any case, also live', { fresh: case_of }, async (page, { server }) => {
  await page.goto(`${server.url}/?name=post+/ORDERS`);
  await row(page, 'POST /orders').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  store(server.db, small('Post /Orders again', Date.now()));
  await row(page, 'Post /Orders again').waitFor();
});

page_test('on a phone the facts of a run stand beside each other', { server: small_stories, context: { viewport: { width: 360, height: 740 } } }, async (page, { server }) => {
  await open_run(page, server, 'POST /refunds');
  const boxes = await page.locator('.facts > :visible').evaluateAll((all) => all.map((one) => [one.getBoundingClientRect().left, Math.max(...[one, ...one.querySelectorAll('*')].map((part) => part.getBoundingClientRect().right))]));
  assert.ok(boxes.length > 3);
  boxes.sort(([a], [b]) => a - b).forEach(([left], n) => assert.ok(n === 0 || left >= boxes[n - 1][1] - 1, JSON.stringify(boxes)));
});
