// What the page says while it waits and when something goes wrong: whole sentences, and never nothing.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { small_stories } from './support/prepared.mjs';

const main = async (page) => (await page.locator('#view').innerText()).trim();
const expected = [/\b(400|404|500|502|503|409)\b/, /ERR_FAILED/, /ERR_INCOMPLETE/];

/** Every view, by the path of its first answer. */
const VIEWS = [
  ['the list', () => '/', /\/api\/v1\/runs(\?|$)/],
  ['a run', (id) => `/runs/${id}`, /\/rows/],
  ['why', (id) => `/runs/${id}?view=why`, /\/why/],
  ['the doctor of a run', (id) => `/runs/${id}?view=doctor`, /\/runs\/\w+\/doctor/],
  ['doctor', () => '/doctor', /\/api\/v1\/doctor/],
  ['a diff', (id) => `/diff/${id}/last-good`, /\/api\/v1\/diff/],
  ['a row', () => '/row?table=orders&key=1', /\/api\/v1\/state\//],
];

const ANSWERS = [
  ['nothing', (route) => route.abort(), /spanbridge serve does not answer/],
  ['no JSON', (route) => route.fulfill({ status: 200, body: '<html>' }), /is not JSON/],
  ['a reason', (route) => route.fulfill({ status: 500, json: { error: { code: 'store', message: 'read the store x: it is damaged' } } }), /Failed to read the store x: it is damaged\./],
  ['a reason by itself', (route) => route.fulfill({ status: 500, json: { error: { code: 'busy', message: 'too many requests wait for an answer' } } }), /The server could not answer: too many requests wait for an answer\./],
  ['a status alone', (route) => route.fulfill({ status: 502, body: '' }), /The server answered with status 502, and did not say why\./],
  ['an empty reason', (route) => route.fulfill({ status: 500, json: { error: { code: '', message: '' } } }), /The server answered with status 500, and did not say why\./],
];

for (const [name, path, pattern] of VIEWS) {
  page_test(`${name} says that it waits, and what went wrong`, { server: small_stories, expected }, async (page, { server }) => {
    const { runs } = await server.json('/api/v1/runs?name=GET+/account');
    const url = server.url + path(runs[0].runId);
    const isApi = (address) => pattern.test(address.href) && address.pathname.startsWith('/api/');
    let release;
    const released = new Promise((done) => { release = done; });
    await page.route(isApi, async (route) => { await released; await route.abort().catch(() => {}); });
    await page.goto(url);
    await until('words', async () => /\b(Reading|Looking|Comparing|reads) .*run|what failed first|history of the row/.test(await main(page)));
    release();
    for (const [, answer, words] of ANSWERS) {
      await page.unroute(isApi);
      await page.route(isApi, answer);
      await page.goto(url);
      await until(String(words), async () => words.test(await main(page)));
    }
  });
}

page_test('a view that cannot be drawn says so', { server: small_stories, expected: [/TypeError/] }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs?name=GET+/account');
  await page.route(/\/why$/, (route) => (route.request().resourceType() === 'document' ? route.continue() : route.fulfill({ json: { run: { name: 'x', runId: 'x', status: 'ok' } } })));
  await page.goto(`${server.url}/runs/${runs[0].runId}?view=why`);
  await page.getByText('This view cannot be drawn').waitFor();
  // The ways out work.
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.locator('#run-where').waitFor();
  await page.getByRole('link', { name: 'Doctor', exact: true }).first().click();
  await page.getByText(/Nothing is missing|gap|judged/).first().waitFor();
});

page_test('a page whose files do not come says so', { server: small_stories, expected }, async (page, { server }) => {
  await page.route(/\/assets\/lib\/html\.js/, (route) => route.abort());
  await page.goto(`${server.url}/`);
  assert.match(await page.locator('body').innerText(), /a file of it could not be loaded/);
  await page.unroute(/\/assets\/lib\/html\.js/);
  await page.route(/\/assets\/views\/doctor\.js/, (route) => route.abort());
  await page.goto(`${server.url}/doctor`);
  await page.getByText('This view could not be loaded').waitFor();
});
