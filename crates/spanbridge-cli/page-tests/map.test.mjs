// The map of services: text that can be read, and ways that run through nothing.

import assert from 'node:assert/strict';

import { page_test, settled } from './support/browser.mjs';
import { Server, directory, store } from './support/programs.mjs';
import { MS, Recording } from './support/records.mjs';
import { open_run, shown } from './support/run.mjs';

/** Eight services in six columns, as in the demo; with `more`, ways back, past a column, and from a service to itself. */
function shopping(more) {
  const run = new Recording(`shopping ${more}`, Date.now() - 60_000);
  const call = (what, parent, at) => run.span(what, 'http.server', { parent, at: at * MS, took: 5 * MS });
  const send = (what, parent, at) => run.span(`${what.split(': ')[0]}: publish ${what.split(': ')[1]}`, 'messaging.publish', { parent, at: at * MS, took: MS, attributes: { 'messaging.destination.name': what.split(': ')[1] } });
  const work = (what, parent, at, error) => run.span(`${what.split(': ')[0]}: process ${what.split(': ')[1]}`, 'messaging.process', { parent, at: at * MS, took: 4 * MS, error, attributes: { 'messaging.destination.name': what.split(': ')[1] } });
  const shop = run.span(`shop: ${more ? 'POST /circles' : 'POST /basket'}`, 'http.client', { at: 0, took: 30 * MS });
  const gateway = call('gateway: POST /orders', shop, 1);
  const orders = call('orders: place order', gateway, 2);
  call('payments: POST /charge', orders, 3);
  const parcel = work('warehouse: parcels', send('orders: parcels', orders, 4), 10, 'no paper');
  work('shipping: a.queue.with.a.long.name.1234567890', send('warehouse: a.queue.with.a.long.name.1234567890', parcel, 11), 20);
  const packed = work('projection: packed', send('warehouse: packed', parcel, 12), 22);
  const mail = call('mail: notify', packed, 24);
  if (more) {
    work('orders: replies', send('mail: replies', mail, 26), 28);
    work('warehouse: again', send('warehouse: again', parcel, 13), 30);
    work('mail: receipts', send('gateway: receipts', gateway, 5), 32);
    work('payments: refunds', send('warehouse: refunds', parcel, 14), 34);
  }
  return run;
}

const fresh = () => Server.start(store(directory('map'), [shopping(true), shopping(false)]));

/** Every text of the picture with its size on the screen, and every way with the boxes and texts that it runs through. */
function look(page) {
  return page.evaluate(() => {
    const picture = document.querySelector('.picture');
    const inside = (box, { x, y }, edge) => x > box.left + edge && x < box.right - edge && y > box.top + edge && y < box.bottom - edge;
    const boxes = [...picture.querySelectorAll('.node > rect')].map((one) => one.getBoundingClientRect());
    const texts = [...picture.querySelectorAll('text')].map((one) => ({ box: one.getBoundingClientRect(), text: one.textContent }));
    const ways = [...picture.querySelectorAll('.edge path:not(.near)')].map((path) => {
      const toScreen = path.getScreenCTM();
      const length = path.getTotalLength();
      const places = Array.from({ length: 200 }, (_, n) => { const at = path.getPointAtLength((length * n) / 199); return new DOMPoint(at.x, at.y).matrixTransform(toScreen); });
      return {
        through: places.some((at) => boxes.some((box) => inside(box, at, 2)) || texts.some(({ box }) => inside(box, at, 0))),
        cut: places.some(({ x, y }) => !inside(picture.getBoundingClientRect(), { x, y }, 0)),
        ends: boxes.some((box) => Math.abs(places.at(-1).x - box.left) < 2 && places.at(-1).y > box.top && places.at(-1).y < box.bottom),
      };
    });
    const sizes = texts.map(({ text }, n) => [text, Number.parseFloat(getComputedStyle(picture.querySelectorAll('text')[n]).fontSize) * picture.getScreenCTM().a]);
    const overlaps = boxes.some((a, i) => boxes.some((b, j) => j > i && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
    const cut = texts.filter(({ box }) => !boxes.some((one) => box.left >= one.left && box.right <= one.right && box.top >= one.top && box.bottom <= one.bottom)).map(({ text }) => text);
    return { sizes, ways, overlaps, cut, wide: picture.getBoundingClientRect().width, room: picture.parentElement.clientWidth, boxes: boxes.length };
  });
}

for (const [name, boxes, ways] of [['POST /basket', 8, 7], ['POST /circles', 8, 10]]) {
  page_test(`the map of services can be read: ${name}`, { fresh }, async (page, { server }) => {
    await open_run(page, server, name, { query: '?view=services' });
    for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }, { width: 3840, height: 2160 }]) {
      await page.setViewportSize(viewport);
      await settled(page);
      const seen = await look(page);
      assert.equal(seen.boxes, boxes);
      assert.equal(seen.ways.length, ways);
      assert.deepEqual(seen.sizes.filter(([, size]) => size < 11), []);
      assert.deepEqual(seen.cut, [], 'texts beyond their boxes');
      assert.equal(seen.overlaps, false);
      assert.deepEqual(seen.ways.filter(({ through, cut, ends }) => through || cut || !ends), []);
      if (viewport.width >= 1280) assert.ok(seen.wide <= seen.room, `${seen.wide} in ${seen.room}`);
    }
  });
}

page_test('a hop of the map leads to its first span', { fresh }, async (page, { server }) => {
  await open_run(page, server, 'POST /circles', { query: '?view=services' });
  // What a service sends to itself is said in its box, without a way.
  assert.match(await page.locator('.picture .said').filter({ hasText: '↻' }).textContent(), /again ×1.*queued 1\d\.0 ms/);
  await page.locator('.picture .said').filter({ hasText: 'parcels' }).click();
  await page.waitForURL(/span=/);
  await shown(page);
  assert.match(await page.locator('#run-current').innerText(), /^process parcels, warehouse/);
});
