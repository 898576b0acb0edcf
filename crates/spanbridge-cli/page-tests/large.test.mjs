// Runs of 10,000 and of 100,000 spans. Times are printed, and held against limits that only a fault breaks: other work on the
// machine must not fail a test.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { hundred_thousand, many_runs, ten_thousand } from './support/prepared.mjs';
import { choose, open_run, sentence } from './support/run.mjs';

const MIB = 1_000_000;

/** How many bytes of JSON, before compression, came for the first view. */
function payloads(context) {
  const sizes = [];
  context.on('response', async (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith('/api/') && !pathname.endsWith('/live')) {
      sizes.push(response.body().then((body) => ({ pathname, size: body.length }), () => ({ pathname, size: 0 })));
    }
  });
  return () => Promise.all(sizes);
}

/** Milliseconds from the beginning of the navigation to the first rows. */
const first_rows = (page) => page.evaluate(() => performance.getEntriesByName('run:shown')[0].startTime);

/**
 * What each of these presses costs in the page: the work on the key, and the frame after it up to its end. Waiting for the next
 * frame is left out.
 */
function frames(page, key, presses) {
  return page.evaluate(
    async ([key, presses]) => {
      const channel = new MessageChannel();
      const costs = [];
      for (let n = 0; n < presses; n += 1) {
        await new Promise((resolve) => setTimeout(resolve));
        let begun = 0;
        const frame = new Promise((resolve) => {
          // The first callback of the frame, before those of the page. The message comes when the frame is done.
          requestAnimationFrame(() => {
            begun = performance.now();
            channel.port1.onmessage = () => resolve(performance.now());
            channel.port2.postMessage(null);
          });
        });
        const pressed = performance.now();
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        const handled = performance.now() - pressed;
        costs.push(handled + (await frame) - begun);
      }
      return costs.sort((a, b) => a - b);
    },
    [key, presses],
  );
}

/** What most frames are above. A busy machine makes many of them slow, a page that does too much makes all of them slow. */
const least = (costs) => costs[Math.floor(costs.length / 10)];

const words = (costs) => `median ${costs[costs.length >> 1].toFixed(1)} ms, 95% ${costs[Math.floor(costs.length * 0.95)].toFixed(1)} ms, most ${costs.at(-1).toFixed(1)} ms`;

page_test('10,000 spans come in 1.5 MB and scroll in frames', { server: ten_thousand }, async (page, { server, t, context }) => {
  const sizes = payloads(context);
  await open_run(page, server, 'nightly settlement');
  await page.getByText('10,000 spans').first().waitFor();
  const seen = await sizes();
  const rows = seen.find(({ pathname }) => pathname.endsWith('/rows')).size;
  const all = seen.reduce((sum, { size }) => sum + size, 0);
  assert.ok(rows <= 1.5 * MIB, `${rows} bytes of rows`);
  t.diagnostic(`10,000 spans: ${(rows / MIB).toFixed(2)} MB of rows, ${(all / MIB).toFixed(2)} MB in all, first rows after ${(await first_rows(page)).toFixed(0)} ms`);
  const costs = await frames(page, 'PageDown', 100);
  t.diagnostic(`10,000 spans: 100 page-downs, ${words(costs)}`);
  assert.ok(least(costs) < 200, words(costs));
  await until('far below', async () => Number(/Span ([\d,]+) of/.exec(await page.locator('#run-where').innerText())?.[1].replace(',', '')) > 1_000);
});

page_test('100,000 spans can be worked with', { server: hundred_thousand }, async (page, { server, t }) => {
  await open_run(page, server, 'nightly settlement', { patience: 60_000 });
  await page.getByText('100,000 spans').first().waitFor();
  t.diagnostic(`100,000 spans: first rows after ${(await first_rows(page)).toFixed(0)} ms`);
  const costs = await frames(page, 'PageDown', 50);
  t.diagnostic(`100,000 spans: 50 page-downs, ${words(costs)}`);
  assert.ok(least(costs) < 500, words(costs));
  await page.keyboard.press('End');
  const last = await sentence(page);
  await page.keyboard.press('Home');
  assert.notEqual(await sentence(page), last);
  const asked = Date.now();
  assert.match(await choose(page, 'worker-17 process'), /process settle, worker-17/);
  t.diagnostic(`100,000 spans: a search in ${Date.now() - asked} ms`);
  await page.keyboard.press('e');
  assert.match(await sentence(page), /the ledger is locked/);
});

page_test('a list of 3,000 runs pages down in frames', { server: many_runs }, async (page, { t }) => {
  const rows = page.locator('[role=row][data-run-id]');
  await rows.first().waitFor();
  for (let n = 0; n < 4; n += 1) {
    await page.keyboard.press('End');
    await page.waitForTimeout(400);
  }
  await page.keyboard.press('Home');
  const costs = await frames(page, 'PageDown', 50);
  t.diagnostic(`3,000 runs: 50 page-downs, ${words(costs)}`);
  assert.ok(least(costs) < 200, words(costs));
  // However far it is: only what is seen is there, in the order in which it is seen, also for those who hear it.
  const places = await rows.evaluateAll((all) => all.map((row) => [row.id, row.getBoundingClientRect().top]).sort(([, a], [, b]) => a - b).map(([id]) => id));
  assert.ok(places.length < 60, `${places.length} rows`);
  assert.equal(await page.locator('.rows').getAttribute('aria-owns'), places.join(' '));
});
