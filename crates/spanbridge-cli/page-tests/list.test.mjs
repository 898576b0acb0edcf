// The list of runs: what it shows, its filters, the keyboard, Back.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { small_stories } from './support/prepared.mjs';

const rows = (page) => page.locator('[role=row][data-run-id]');
const names = (page) => page.locator('[role=row][data-run-id] .c-name').allInnerTexts();
const chosen = (page) => page.locator('[role=row][data-run-id][aria-selected=true]');

page_test('the list shows every run and its outcome', { server: small_stories }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs');
  await rows(page).first().waitFor();
  assert.equal(await rows(page).count(), runs.length);
  const outcome = async (name) => (await rows(page).filter({ hasText: name }).first().locator('.c-status').innerText()).replaceAll('\n', ' ');
  assert.match(await outcome('POST /refunds'), /1 message dead-lettered/);
  assert.match(await outcome('GET /account'), /error/);
  assert.match(await outcome('POST /orders'), /ok/);
  // Newest first.
  assert.match((await names(page))[0], /POST \/orders/);
});

page_test('filters are in the address and survive reload and Back', { server: small_stories }, async (page) => {
  const all = await rows(page).first().waitFor().then(() => rows(page).count());
  await page.getByRole('button', { name: 'Failed' }).click();
  await page.waitForURL(/status=error/);
  let failed;
  // While they are asked for, the list is empty.
  await until('only failed runs', async () => (failed = await rows(page).count()) > 0 && failed < all);
  await page.reload();
  await rows(page).first().waitFor();
  assert.equal(await rows(page).count(), failed);
  await page.getByLabel('Search runs').fill('service:gateway');
  await page.keyboard.press('Enter');
  await page.waitForURL(/service=gateway/);
  await until('only the run of the gateway', async () => (await rows(page).count()) === 1);
  assert.match((await names(page))[0], /GET \/account/);
  await page.goBack();
  await until('the filter before', async () => (await rows(page).count()) === failed);
  await page.goBack();
  await until('all runs', async () => (await rows(page).count()) === all);
});

page_test('the keyboard alone opens a run and comes back to it', { server: small_stories }, async (page) => {
  await rows(page).first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const run = await chosen(page).getAttribute('data-run-id');
  const place = await rows(page).evaluateAll((all) => all.findIndex((row) => row.ariaSelected === 'true'));
  assert.ok(place > 0, `the chosen row is ${place}`);
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/runs/${run}`));
  await page.goBack();
  await chosen(page).waitFor();
  assert.equal(await chosen(page).getAttribute('data-run-id'), run);
});

page_test('help lists the keys that work here', { server: small_stories }, async (page) => {
  await rows(page).first().waitFor();
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.match(await dialog.innerText(), /list of runs/i);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
});

page_test('any id that is pasted is found', { server: small_stories }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs?name=POST+/orders');
  const graph = await server.json(`/api/v1/runs/${runs[0].runId}`);
  const span = graph.spans.find((one) => one.primitive === 'messaging.process');
  await rows(page).first().waitFor();
  const find = async (text) => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  };
  await find(span.spanId);
  await page.waitForURL(new RegExp(`/runs/.*span=${span.spanId}`));
  await page.goBack();
  await rows(page).first().waitFor();
  await find(`00-${span.traceId}-${span.spanId}-01`);
  await page.waitForURL(new RegExp(`/runs/${runs[0].runId}`));
});

page_test('a name with an equals sign stays a name', { server: small_stories }, async (page) => {
  await rows(page).first().waitFor();
  const search = page.getByLabel('Search runs');
  await search.fill('name:a=b');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\?name=a%3Db$/);
  // Asked again from what the box says now, and after a reload, it is the same question.
  await search.press('Enter');
  await page.waitForTimeout(300);
  assert.match(page.url(), /\?name=a%3Db$/);
  await page.reload();
  await page.getByText('No run matches').waitFor();
  assert.equal(await search.inputValue(), 'name:"a=b"');
  await search.press('Enter');
  await page.waitForTimeout(300);
  assert.match(page.url(), /\?name=a%3Db$/);
});
