// Rows of databases: at the step that changed them, in why, and as a history of their own.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { changed_rows } from './support/prepared.mjs';
import { choose, open_run, panel } from './support/run.mjs';

const words = async (place) => (await place.innerText()).replaceAll(/\s+/g, ' ');

page_test('a step has the rows that it changed', { server: changed_rows }, async (page, { server }) => {
  await open_run(page, server, 'POST /pay');
  await choose(page, 'UPDATE orders');
  await panel(page);
  const changed = await words(page.locator('.run-panel .changed'));
  assert.match(changed, /1 changed row orders id=1 update in shop History/);
  // A text is in quotes, null is not.
  assert.match(changed, /status 'new' → 'held'/);
  assert.match(changed, /note null → 'it''s due'/);
  assert.match(changed, /card \(not captured\)/);
});

page_test('a transaction says that it was rolled back', { server: changed_rows }, async (page, { server }) => {
  await open_run(page, server, 'POST /pay');
  assert.match(await choose(page, 'transaction'), /rolled back/);
  assert.match(await panel(page), /rolled back/);
  assert.doesNotMatch(await choose(page, 'charge'), /rolled back/);
});

page_test('a changed row leads to its history, and back', { server: changed_rows }, async (page, { server }) => {
  const run = await open_run(page, server, 'POST /pay');
  await choose(page, 'UPDATE orders');
  await panel(page);
  await page.locator('.run-panel .changed a', { hasText: 'History' }).click();
  const history = page.locator('.row-history');
  await history.waitFor();
  assert.equal(new URL(page.url()).pathname, '/row');
  assert.equal(await history.locator('[data-op]').count(), 2);
  assert.match(await words(history.locator('[data-op]').first()), /insert INSERT orders .* status 'new' total 5 note null <b>tag<\/b> '5'/);
  assert.match(await words(page.locator('.row-blame [data-column="status"]')), /status 'held' UPDATE orders/);
  assert.match(await words(page.locator('.row-blame [data-column="total"]')), /total 5 INSERT orders/);
  // A deep link shows the same.
  const link = page.url();
  await page.goBack();
  // With what was chosen, however quickly one left.
  await until('the run', async () => new URL(page.url()).pathname === `/runs/${run.runId}` && new URL(page.url()).searchParams.has('span'));
  await panel(page);
  await page.goto(link);
  await history.waitFor();
  // A writer leads to its step.
  await history.locator('[data-op="update"] .step-link').click();
  await page.waitForURL(new RegExp(`/runs/${run.runId}\\?span=`));
});

page_test('a history of one column', { server: changed_rows }, async (page, { server }) => {
  await page.goto(`${server.url}/row?table=orders&key=1`);
  await page.locator('.row-blame button', { hasText: 'total' }).click();
  await until('one change', async () => (await page.locator('.row-history [data-op]').count()) === 1);
  assert.equal(new URL(page.url()).searchParams.get('column'), 'total');
  await page.goBack();
  await until('all changes', async () => (await page.locator('.row-history [data-op]').count()) === 2);
});

page_test('a row that nobody changed says what is known', { server: changed_rows, expected: [/404/] }, async (page, { server }) => {
  await page.goto(`${server.url}/row?table=order&key=1`);
  await until('words', async () => /no change of it is recorded; tables of which some are: orders \(id\)/.test(await page.locator('#view').innerText()));
});

page_test('why shows rows before it, and what was rolled back', { server: changed_rows }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs?name=POST+/pay');
  await page.goto(`${server.url}/runs/${runs[0].runId}?view=why`);
  const rows = page.locator('[data-part="rows"]');
  await rows.waitFor();
  assert.match(await words(rows), /orders id=1: status 'new' → 'held', note null → 'it''s due', card changed UPDATE orders/);
  assert.match(await words(page.locator('[data-part="rolled-back"]')), /nothing that it wrote is in the database\. transaction .*with UPDATE stock/);
  assert.match(await words(page.locator('[data-part="others"]')), /orders id=1: inserted with .*INSERT orders .*in INSERT orders/);
  await rows.locator('a.strong').click();
  await page.locator('.row-history').waitFor();
  await page.goBack();
  await rows.waitFor();
});
