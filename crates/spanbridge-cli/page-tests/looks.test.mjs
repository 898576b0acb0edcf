// How every view looks: small and large screens, dark and light, contrast, motion, and what the keyboard reaches.

import assert from 'node:assert/strict';

import { overflow, page_test, settled } from './support/browser.mjs';
import { low_contrast } from './support/contrast.mjs';
import { attributes_story, changed_rows, small_stories } from './support/prepared.mjs';
import { unreachable } from './support/reach.mjs';

/** Every view: its path, with the runs of the stories by name, what is there when it is complete, and a key that shows more. */
const VIEWS = {
  'the list': { path: () => '/', ready: '[role=row][data-run-id]' },
  'a list without a match': { path: () => '/?name=nothing-is-called-so', ready: '.blank' },
  'the timeline': { path: (id) => `/runs/${id('POST /refunds')}`, ready: '#run-where', press: 'j' },
  'the tree': { path: (id) => `/runs/${id('POST /refunds')}?view=tree`, ready: '#run-where', press: 'e' },
  'the services': { path: (id) => `/runs/${id('POST /refunds')}?view=services`, ready: '.map' },
  'the attributes of a run': { server: attributes_story, path: (id) => `/runs/${id('checkout')}`, ready: '.run-attributes', click: '.run-attributes summary' },
  'the attributes beside a span': { server: attributes_story, path: (id) => `/runs/${id('checkout')}`, ready: '#run-where', click: '.run-attributes summary', press: 'j' },
  why: { path: (id) => `/runs/${id('GET /account')}?view=why`, ready: 'text=SELECT balances' },
  'why with changed rows': { server: changed_rows, path: (id) => `/runs/${id('POST /pay')}?view=why`, ready: '[data-part=others]' },
  'the history of a row': { server: changed_rows, path: () => '/row?table=orders&key=1', ready: '.row-history' },
  'the doctor of a run': { path: (id) => `/runs/${id('POST /refunds')}?view=doctor`, ready: 'main h2, main .big' },
  'a diff': { path: (id) => `/diff/${id('nightly report', 1)}/${id('nightly report', 0)}`, ready: 'text=rebuild cache' },
  doctor: { path: () => '/doctor', ready: 'main h1, main h2, main .big' },
  'an unknown run': { path: () => '/runs/ffffffffffffffff', ready: '.blank' },
  'an unknown address': { path: () => '/nowhere', ready: '.blank' },
};

/** A phone, a wall, and a window. */
const SIZES = [{ width: 360, height: 740 }, { width: 3840, height: 2160 }, { width: 1280, height: 800 }];
const DARK = 250;

async function open(page, server, view) {
  const { runs } = await server.json('/api/v1/runs');
  const id = (name, at = 0) => runs.filter((run) => run.name === name)[at].runId;
  await page.goto(server.url + view.path(id));
  await page.locator(view.ready).first().waitFor();
  if (view.press) await page.keyboard.press(view.press);
  if (view.click) await page.locator(view.click).click();
  await settled(page);
}

for (const [name, view] of Object.entries(VIEWS)) {
  page_test(`${name} fits, is legible, and needs no mouse`, { server: view.server ?? small_stories, expected: [/404 \(Not Found\)/] }, async (page, { server }) => {
    const problems = [];
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(page, server, view);
    for (const viewport of SIZES) {
      await page.setViewportSize(viewport);
      await settled(page);
      problems.push(...(await overflow(page)), ...(await crowded(page)));
    }
    problems.push(...(await moving(page)));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await still(page);
      problems.push(...(await dim(page)).map((sentence) => `${colorScheme}: ${sentence}`));
      const brightness = await page.evaluate(() => /(\d+), (\d+), (\d+)/.exec(getComputedStyle(document.body).backgroundColor)?.slice(1).reduce((sum, one) => sum + Number(one), 0));
      if (brightness < DARK !== (colorScheme === 'dark')) problems.push(`the background is not ${colorScheme}: ${brightness}`);
    }
    problems.push(...(await unreachable(page)));
    assert.deepEqual(problems, []);
  });
}

/** The rows of a run that have no room, whatever stands above them. */
function crowded(page) {
  return page.evaluate(() => {
    const rows = document.querySelector('#run-rows');
    const height = rows?.checkVisibility() ? rows.clientHeight : Infinity;
    return height < 60 ? [`the rows are ${height} px high in a window of ${innerWidth} px`] : [];
  });
}

/** The texts that stay hard to read: on a busy machine a text may have its old colour for some frames. */
async function dim(page) {
  const until = Date.now() + 20_000;
  let found = await low_contrast(page);
  while (found.length > 0 && Date.now() < until) {
    await still(page);
    found = await low_contrast(page);
  }
  return found;
}

/** Waits for what changes when the colours do. */
function still(page) {
  return page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    const short = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 1_000);
    await Promise.allSettled(short.map((one) => one.finished));
  });
}

/** What moves although the system asks for less motion. What takes less than a millisecond does not. */
function moving(page) {
  return page.evaluate(() => {
    const running = document.getAnimations().filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime > 1);
    return running.map((one) => `${one.animationName ?? one.transitionProperty} of ${one.effect.target.className} moves`);
  });
}
