// Names, attributes, errors, events and payloads that want to be more than text. Requests, the content policy, the console and
// scripts are watched in every test; here they have a reason.

import assert from 'node:assert/strict';

import { overflow, page_test, settled } from './support/browser.mjs';
import { hostile_names } from './support/prepared.mjs';
import { choose, open_run, panel, sentence, shown } from './support/run.mjs';
import { HOSTILE } from './support/stories.mjs';

/** Elements that only a name could have made. */
const foreign = (page) =>
  page.evaluate(() => {
    const elements = document.querySelectorAll('img, iframe, object, embed, svg image, [onerror], [onload], a[href^="javascript:"], script:not([src^="/assets/"])');
    return [...elements].map((one) => one.outerHTML.slice(0, 200));
  });

/** Everything that reorders or hides text is shown as an escape, so none of it is left on the page. */
const unsafe = (page) => page.evaluate(() => document.body.innerText.match(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/g));

page_test('hostile names are only text in the list', { server: hostile_names }, async (page) => {
  const row = page.locator('[role=row][data-run-id]').first();
  await row.waitFor();
  assert.ok((await row.innerText()).includes('<img src=x onerror='));
  assert.deepEqual(await foreign(page), []);
  assert.equal(await unsafe(page), null);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.deepEqual(await overflow(page), []);
});

page_test('hostile names are only text in a run', { server: hostile_names }, async (page, { server }) => {
  await open_run(page, server, HOSTILE.markup);
  await page.keyboard.press('Home');
  assert.ok((await sentence(page)).startsWith(HOSTILE.markup));
  const text = await panel(page);
  assert.ok(text.includes(HOSTILE.markup), text);
  assert.ok(text.includes('<svg xmlns='), text);
  assert.deepEqual(await foreign(page), []);
  assert.match(await choose(page, 'gpj.exe'), /invoice\\u\{202e\}gpj\.exe/);
  assert.match(await choose(page, 'owned'), /\\x1b\[31mred|onerror|href/);
  assert.match(await choose(page, 'two lines'), /^\\x1b\[31mred\\x1b\[0m \\x1b\]0;owned\\x07 and \\r\\n two lines/);
  assert.equal(await unsafe(page), null);
  // 300 characters: the end is seen, too, and nothing moves aside.
  assert.match(await choose(page, 'long-xxx'), /x{100}/);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    await settled(page);
    assert.deepEqual(await overflow(page), []);
  }
});

for (const view of ['tree', 'services', 'why', 'doctor']) {
  page_test(`hostile names are only text in ${view}`, { server: hostile_names }, async (page, { server }) => {
    const { runs } = await server.json('/api/v1/runs');
    await page.goto(`${server.url}/runs/${runs[0].runId}?view=${view}`);
    if (view === 'tree' || view === 'services') await shown(page);
    await settled(page);
    assert.deepEqual(await foreign(page), []);
    assert.equal(await unsafe(page), null);
    assert.ok((await page.locator('main').innerText()).includes('<img src=x'));
  });
}

page_test('a span a thousand levels deep can be read', { server: hostile_names }, async (page, { server }) => {
  await open_run(page, server, HOSTILE.markup);
  assert.match(await choose(page, 'level 1000'), /^level 1000, deep/);
  assert.match(await page.locator('#run-where').innerText(), /depth 1,000/);
  // Its name is on the canvas, not pushed out of it: the text of the row covers some width.
  const { width, left } = await page.evaluate(() => {
    const canvas = [...document.querySelectorAll('.run-main canvas')].sort((a, b) => b.height - a.height)[0];
    return canvas.getBoundingClientRect();
  });
  assert.ok(left >= 0 && width > 600);
  await page.keyboard.press('k');
  assert.match(await sentence(page), /^level 999/);
});
