// What a test does in the view of a run. Rows are drawn on a canvas; the chosen one is an element, too, for those who hear it.

import { until } from './browser.mjs';

/** Opens the run with this name, or the n-th of several; the newest is the 0th. Returns its row of the list. */
export async function open_run(page, server, name, { nth = 0, query = '', patience } = {}) {
  const { runs } = await server.json('/api/v1/runs');
  const run = runs.filter((one) => one.name === name)[nth];
  await page.goto(`${server.url}/runs/${run.runId}${query}`);
  await shown(page, patience);
  return run;
}

/** Waits until a run is drawn. */
export function shown(page, timeout = 60_000) {
  return page.waitForFunction(() => performance.getEntriesByName('run:shown').length > 0, null, { timeout });
}

/** The sentence about the chosen row. */
export function sentence(page) {
  return page.locator('#run-current').textContent();
}

/** Chooses the first row that has these words, and returns the sentence about it. */
export async function choose(page, words) {
  await page.keyboard.press('/');
  await page.locator('#run-search').fill(words);
  await until(`a row with ${words}`, async () => (await page.locator('#run-current').count()) > 0);
  await page.keyboard.press('Escape');
  return sentence(page);
}

/** The panel with everything about the chosen span, once its details are here. */
export async function panel(page) {
  const side = page.locator('.run-panel');
  await side.getByText('Ids', { exact: true }).waitFor();
  return (await side.innerText()).replaceAll(/\s+/g, ' ');
}
