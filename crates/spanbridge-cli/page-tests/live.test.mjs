// What happens while one looks: new runs, a server that ends and comes back.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { Server, directory, store } from './support/programs.mjs';
import { choose, open_run, panel, sentence } from './support/run.mjs';
import { MS, Recording } from './support/records.mjs';
import { batch, queueWait, small } from './support/stories.mjs';

const rows = (page) => page.locator('[role=row][data-run-id]');
const row = (page, name) => rows(page).filter({ hasText: name });

const fresh = (name) => async () => Server.start(store(directory(name), [queueWait(Date.now() - 60_000)]));

page_test('a run appears and ends while the list is open', { fresh: fresh('live') }, async (page, { server }) => {
  await row(page, 'POST /orders').waitFor();
  const open = small('slow report', Date.now(), { open: true });
  store(server.db, open);
  await row(page, 'slow report').waitFor();
  assert.match(await row(page, 'slow report').innerText(), /open/);
  assert.match(page.url(), /\/$/);
  store(server.db, open.ends(40 * MS));
  await until('the run has ended', async () => /ok/.test(await row(page, 'slow report').innerText()));
  assert.equal(await rows(page).count(), 2);
});

page_test('a paused list stands still', { fresh: fresh('paused') }, async (page, { server }) => {
  await row(page, 'POST /orders').waitFor();
  await page.keyboard.press('Space');
  await page.getByText('Paused').waitFor();
  store(server.db, small('meanwhile', Date.now()));
  await page.waitForTimeout(1_500);
  assert.equal(await rows(page).count(), 1);
  await page.keyboard.press('Space');
  await row(page, 'meanwhile').waitFor();
});

page_test('a run that no longer fits the filter leaves, or is marked', { fresh: fresh('leaving'), path: '/?status=open' }, async (page, { server }) => {
  await page.getByText('Live', { exact: true }).waitFor();
  const [first, second] = ['first report', 'second report'].map((name) => small(name, Date.now(), { open: true }));
  store(server.db, first, second);
  await row(page, 'first report').waitFor();
  await row(page, 'second report').waitFor();
  store(server.db, first.ends(40 * MS));
  await row(page, 'first report').waitFor({ state: 'detached' });
  // What is chosen stays where it is, and says why it is still there.
  await page.keyboard.press('j');
  store(server.db, second.ends(40 * MS));
  await row(page, 'second report').getByText('no longer matches').waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'second report').waitFor({ state: 'detached' });
});

const refused = [/ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /ERR_EMPTY_RESPONSE/, /ERR_CONNECTION_RESET/];

page_test('runs recorded while the server was down appear once', { fresh: fresh('restart'), expected: refused }, async (page, { server }) => {
  await row(page, 'POST /orders').waitFor();
  await server.stop();
  await page.getByText(/connection lost/i).waitFor();
  const names = ['while down 1', 'while down 2', 'while down 3'];
  store(server.db, names.map((name, n) => small(name, Date.now() + n)));
  await server.start();
  for (const name of names) await row(page, name).first().waitFor({ timeout: 20_000 });
  await page.getByText('Live', { exact: true }).waitFor();
  for (const name of names) assert.equal(await row(page, name).count(), 1, name);
  // And what comes after.
  store(server.db, small('after it', Date.now()));
  await row(page, 'after it').first().waitFor();
  assert.equal(await rows(page).count(), 5);
});

page_test('a run grows while it is open, and what is read stays', { fresh: fresh('growing') }, async (page, { server }) => {
  const open = small('slow report', Date.now(), { open: true });
  store(server.db, open);
  await open_run(page, server, 'slow report');
  await choose(page, 'step');
  await panel(page);
  // Whatever happens, the details of the chosen span are not taken away from who reads them.
  await page.evaluate(() => {
    globalThis.taken = 0;
    const look = () => document.querySelector('.run-panel')?.innerText.includes('Loading the details') && (globalThis.taken += 1);
    new MutationObserver(look).observe(document.querySelector('.run-panel'), { subtree: true, childList: true, characterData: true });
  });
  open.span('live: another step', 'flow.step', { parent: open.records.find(({ spanId }) => spanId).spanId, at: 20 * MS });
  store(server.db, open);
  await page.getByText('3 spans', { exact: true }).waitFor();
  assert.match(await sentence(page), /^step/);
  store(server.db, open.ends(40 * MS));
  await until('the run has ended', async () => /ok/.test(await page.locator('.runhead').innerText()));
  assert.match(await sentence(page), /^step/);
  assert.equal(await page.evaluate(() => globalThis.taken), 0);
});

page_test('opening a run reads it once', { fresh: fresh('once') }, async (page, { server, requests }) => {
  const reads = () => requests.filter(({ url }) => new URL(url).pathname.endsWith('/rows')).length;
  const { runId } = await open_run(page, server, 'POST /orders');
  await page.waitForTimeout(1_500);
  assert.equal(reads(), 1);
  await page.keyboard.press('Escape');
  await row(page, 'POST /orders').locator('a.cover').click();
  await page.waitForURL(new RegExp(runId));
  await until('the run as it is now', async () => reads() === 2);
  await page.waitForTimeout(1_500);
  assert.equal(reads(), 2);
  // What comes later is read, although the connection began slowly.
  await page.route(/\/live\?/, async (route) => { await new Promise((done) => { setTimeout(done, 1_200); }); await route.continue(); });
  await page.reload();
  await until('the run once more, and again when it is followed', async () => reads() === 4);
});

const linked = async () => {
  const [sender, other, second, batched] = batch(Date.now() - 60_000);
  return Object.assign(await Server.start(store(directory('linked'), [sender, other, second])), { batched });
};

page_test('a batch in another trace shows in its open sender', { fresh: linked }, async (page, { server }) => {
  await open_run(page, server, 'reading 1');
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.getByText(/linked run/).count(), 0);
  await page.waitForTimeout(800);
  store(server.db, server.batched);
  await page.getByText('1 linked run').waitFor();
  assert.match(await choose(page, 'publish readings'), /linked from 2/);
});

const services = async () => {
  const run = new Recording('many services', Date.now() - 60_000);
  const root = run.span('first: fan out', 'flow.run', { took: 90 * MS });
  for (let n = 0; n < 1_099; n += 1) run.span(`worker-${n}: step`, 'custom.operation', { parent: root, at: n * MS / 5 });
  const waiting = new Recording('waiting', Date.now() - 5 * 86_400_000);
  waiting.record('flows', 'run:start', { name: 'contract', startedAt: waiting.time(0), rootPrimitive: 'flow.run' });
  waiting.record('flows', 'run:suspend', { suspensionId: 's', suspendedAt: waiting.time(MS), reason: 'a signature' });
  return Server.start(store(directory('services'), [run, waiting]));
};

page_test('of many services some are named and the rest is counted', { fresh: services }, async (page, { server }) => {
  await open_run(page, server, 'fan out');
  await page.locator('.runhead .services').getByText('+1,088').waitFor();
  assert.equal(await page.locator('.runhead .service').count(), 12);
  await page.keyboard.press('3');
  await page.getByText('99 more hops').waitFor();
  await open_run(page, server, 'contract');
  await page.getByText(/suspended\s+5d ago.*a signature/).first().waitFor();
});
