// The view of a run: what happens with messages, as one sees it there.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { small_stories } from './support/prepared.mjs';
import { choose, open_run, panel, sentence, shown } from './support/run.mjs';

const story = (name, run, look) => page_test(name, { server: small_stories }, async (page, more) => look(page, { ...more, run: await open_run(page, more.server, run) }));

story('a message that waited reads queued 2.00 s and is critical', 'POST /orders', async (page) => {
  const row = await choose(page, 'process orders');
  assert.match(row, /queued 2\.00 s/);
  assert.match(row, /on the critical path/);
  assert.match(await panel(page), /Took 90\.0 ms Queued 2\.00 s/);
  await page.keyboard.press('x');
  await page.waitForURL(/path=1/);
  await page.getByRole('button', { name: 'Critical path', exact: true, pressed: true }).waitFor();
  assert.match(await page.locator('.facts').innerText(), /2\.00 s in queues/);
});

story('the wait is drawn as a stretch of its own', 'POST /orders', async (page) => {
  await choose(page, 'process orders');
  await page.keyboard.press('Escape');
  // Halfway through the wait, the row of the work has a pattern and the row below it has none.
  const colours = (row) =>
    page.evaluate((row) => {
      const canvas = [...document.querySelectorAll('.run-main canvas')].sort((a, b) => b.height - a.height)[0];
      const ratio = canvas.width / canvas.getBoundingClientRect().width;
      const [width, height] = [canvas.width * 0.03, 27 * ratio - 8];
      const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, canvas.width * 0.6, 27 * ratio * row + 4, width, height, 0, 0, width, height);
      const { data } = copy.getImageData(0, 0, width, height);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) seen.add(data.slice(at, at + 3).join());
      return seen.size;
    }, row);
  const [work, below] = [await colours(2), await colours(3)];
  assert.ok(work > below + 2, `${work} colours in the row of the work, ${below} below it`);
});

story('without a common clock nothing is computed', 'POST /parcels', async (page) => {
  const row = await choose(page, 'process parcels');
  assert.match(row, /queued: not computed/);
  assert.match(row, /clocks disagree/);
  assert.doesNotMatch(row, /queued \d/);
  assert.match(await panel(page), /Queued not computed/);
});

story('three attempts and the dead letter are told apart', 'POST /refunds', async (page) => {
  const first = await choose(page, 'process refunds');
  assert.match(first, /queued 87\.0 ms/);
  assert.doesNotMatch(first, /attempt/);
  const seen = [first];
  for (let n = 0; n < 20; n += 1) {
    await page.keyboard.press('j');
    const row = await sentence(page);
    if (row.startsWith('process') && row !== seen.at(-1)) seen.push(row);
  }
  assert.equal(seen.length, 4, seen.join('\n'));
  assert.match(seen[1], /attempt 2/);
  assert.match(seen[2], /attempt 3.*dead-lettered/);
  assert.match(seen[3], /dead letter: rejected from refunds/);
});

story('errors are one key apart', 'GET /account', async (page) => {
  const names = [];
  for (let n = 0; n < 6; n += 1) {
    await page.keyboard.press('e');
    names.push((await sentence(page)).split(',')[0]);
  }
  assert.equal(new Set(names).size, 6, names.join());
  assert.ok(names.includes('SELECT balances'));
});

story('why names the failure three hops upstream', 'GET /account', async (page) => {
  await page.getByRole('link', { name: 'Why' }).click();
  await page.waitForURL(/view=why/);
  await page.getByText('no connection became free within 400 ms').first().waitFor();
  const text = await page.locator('main').innerText();
  assert.ok(text.indexOf('SELECT balances') < text.indexOf('GET /balances/{id}'), text);
});

story('a link is followed, and Back returns to the selection', 'process readings', async (page, { run }) => {
  await choose(page, 'process readings');
  const here = await sentence(page);
  await page.waitForURL(/span=/);
  const address = page.url();
  await panel(page);
  // Three senders: the first is focused, and Enter goes there.
  await page.keyboard.press('f');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => !url.href.includes(run.runId));
  await shown(page);
  await until('the sender is chosen', async () => /^publish readings/.test(await sentence(page)));
  assert.match(await panel(page), /linked from/);
  await page.goBack();
  await page.waitForURL(address);
  await until('the batch is chosen', async () => (await sentence(page)) === here);
});

page_test('a link is followed against its direction, too', { server: small_stories }, async (page, { server }) => {
  await open_run(page, server, 'reading 2');
  assert.match(await choose(page, 'publish readings'), /linked from/);
  await panel(page);
  await page.locator('.run-panel').getByRole('button', { name: /linked from/ }).first().click();
  await shown(page);
  await until('the work on the batch', async () => /^process readings/.test(await sentence(page)));
});

story('links to another trace say the name of its run', 'process readings', async (page) => {
  await choose(page, 'process readings');
  assert.match(await panel(page), /links to reading 1 .*links to reading 2 .*links to reading 3/);
});

story('an attribute leads to all runs that have it', 'POST /refunds', async (page) => {
  await choose(page, 'process refunds');
  await panel(page);
  const here = await until('the selection in the address', async () => page.url().includes('span=') && page.url());
  await page.locator('.run-panel').getByTitle('Runs with this').filter({ hasText: /^refunds$/ }).last().click();
  await page.waitForURL(/\/\?attribute=/);
  await page.locator('[role=row][data-run-id]').filter({ hasText: 'POST /refunds' }).waitFor();
  assert.equal(await page.locator('[role=row][data-run-id]').count(), 1);
  await page.goBack();
  await page.waitForURL(here);
  await until('the same span', async () => /^process refunds/.test(await sentence(page)));
});

story('the map tells retries and dead letters', 'POST /refunds', async (page) => {
  await page.keyboard.press('3');
  const said = page.locator('.picture .said');
  await said.filter({ hasText: '⇢ refunds ×3' }).filter({ hasText: 'queued 960 ms · 2 retries' }).waitFor();
  await said.filter({ hasText: '⊗ refunds.dead ×1' }).waitFor();
});

story('a run that waited for a person says so', 'approve budget', async (page) => {
  assert.match(await page.locator('.facts').innerText(), /nothing ran for (1h 59m|2h 00m)/);
});

story('what was rolled back is called that', 'book transfers', async (page) => {
  assert.match(await choose(page, 'transaction'), /transaction transfers-7/);
  assert.match(await choose(page, 'send bookings'), /rolled back/);
});

page_test('the id of a span opens its run at that span', { server: small_stories }, async (page, { server }) => {
  const { runs } = await server.json('/api/v1/runs?name=POST+/orders');
  const { spans } = await server.json(`/api/v1/runs/${runs[0].runId}`);
  const span = spans.find((one) => one.name === 'INSERT invoices');
  await page.goto(`${server.url}/runs/${span.spanId}`);
  await shown(page);
  assert.match(await sentence(page), /^INSERT invoices/);
  await page.reload();
  await shown(page);
  assert.match(await sentence(page), /^INSERT invoices/);
});

story('payloads, events and attributes are in the panel', 'POST /orders', async (page) => {
  await choose(page, 'process orders');
  const text = await panel(page);
  for (const wanted of ['"sku": "A-1"', 'invoice written', 'invoice.number', '1042', 'spanbridge.queue.name', 'billing']) {
    assert.ok(text.includes(wanted), `${wanted} in ${text}`);
  }
});

page_test('a span is copied as text, as JSON and as a link', { server: small_stories, context: { permissions: ['clipboard-read', 'clipboard-write'] } }, async (page, { server }) => {
  await open_run(page, server, 'POST /orders');
  await choose(page, 'process orders');
  await panel(page);
  const copied = async (key) => {
    await page.evaluate(() => navigator.clipboard.writeText('nothing'));
    await page.keyboard.press(key);
    return until('something copied', async () => {
      const text = await page.evaluate(() => navigator.clipboard.readText());
      return text !== 'nothing' && text;
    });
  };
  assert.match(await copied('t'), /process orders:created:billing.*queued 2\.00 s/);
  assert.equal(JSON.parse(await copied('J')).name, 'process orders:created:billing');
  const link = await copied('Y');
  assert.ok(link.startsWith(`${server.url}/runs/`) && link.includes('span='), link);
});

story('what is not shown is explained, and shown on a click', 'POST /refunds', async (page) => {
  const foot = page.locator('.run-foot');
  assert.match(await foot.innerText(), /9 of 13 spans shown\s+4 settlements as marks/);
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowLeft');
  assert.match(await foot.innerText(), /Span 1 of 1, depth 0\s+12 folded away/);
  await foot.getByText('12 folded away').click();
  await foot.getByText('4 settlements as marks').click();
  await page.keyboard.press('Escape');
  await foot.getByText('All spans shown').waitFor();
});

story('the bar of the critical path says what it is', 'POST /orders', async (page) => {
  assert.match(await page.locator('.facts .where').innerText(), /^Critical path: 2\.00 s in queues · 100 ms working$/);
});

story('the reason of a suspension leaves the ticks alone', 'approve budget', async (page) => {
  // Below the ticks there is a line of its own; a run without a suspension has none.
  const height = () => page.locator('.run-axis').evaluate((axis) => axis.offsetHeight);
  assert.ok((await height()) > 40);
  await page.goBack();
  await page.locator('[role=row][data-run-id]').filter({ hasText: 'POST /parcels' }).locator('a.cover').click();
  await page.waitForURL(/\/runs\//);
  await until('the axis alone', async () => (await height()) === 24);
});

story('branches fold and unfold by the keyboard', 'POST /refunds', async (page) => {
  const where = () => page.locator('#run-where').innerText();
  await page.keyboard.press('Home');
  const all = Number(/of (\d+)/.exec(await where())[1]);
  await page.keyboard.press('ArrowLeft');
  await until('one row', async () => /of 1\b/.test(await where()));
  assert.equal(await page.locator('#run-current').getAttribute('aria-expanded'), 'false');
  await page.keyboard.press('ArrowRight');
  await until('all rows', async () => Number(/of (\d+)/.exec(await where())[1]) === all);
});

story('a hostile attribute of a run leads to its runs, too', 'approve budget', async (page, { run }) => {
  await page.locator('.run-attributes summary').click();
  await page.locator('.run-attributes').getByTitle('Runs with this').first().click();
  await page.waitForURL(/\/\?attribute=/);
  const row = page.locator('[role=row][data-run-id]');
  await row.first().waitFor();
  assert.equal(await row.first().getAttribute('data-run-id'), run.runId);
});

story('a search in a run finds the attributes of the run', 'approve budget', async (page) => {
  assert.match(await choose(page, 'budget.id=17'), /^collect figures/);
  await page.keyboard.press('/');
  await page.locator('#run-search').fill('PERSON');
  await page.locator('.run-find').getByText('in the run: asked by=').waitFor();
  await page.locator('#run-search').fill('nobody');
  await page.locator('.run-find').getByText('no match').waitFor();
});

for (const view of ['timeline', 'why', 'doctor']) {
  story(`the attributes of a run are in its head: ${view}`, 'approve budget', async (page) => {
    await page.goto(`${page.url().split('?')[0]}?view=${view}`);
    const head = page.locator('.run-attributes');
    await head.waitFor();
    assert.equal((await head.locator('summary').innerText()).trim(), 'asked by=\\u{202e}<b>a person</b> · budget.id=17');
    assert.equal(await head.locator('dd').first().isVisible(), false);
    await head.locator('summary').click();
    assert.match(await head.innerText(), /asked by\s+\\u\{202e\}<b>a person<\/b>\s+budget\.id\s+17/);
  });
}
