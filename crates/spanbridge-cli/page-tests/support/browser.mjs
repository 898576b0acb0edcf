// Opens the page in Chromium, and sees to it that nothing happens there which must not: no script of a stranger, no request to
// another server, no error on the console, no violation of the content policy.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { CHROMIUM, PACKAGES } from './programs.mjs';

const { chromium } = createRequire(join(PACKAGES, 'package.json'))('playwright-core');

/** Starts Chromium. It ends with this process. */
export const open_browser = () => chromium.launch({ executablePath: CHROMIUM, args: ['--disable-dev-shm-usage'] });

let running;
const browser = () => (running ??= open_browser());
after(async () => running && (await (await running).close()));

/** How long anything may take. The machine may be busy. */
const PATIENCE = 30_000;

/**
 * Defines a test that opens the page. `options`:
 *
 * - `server`: gives a running server that tests share
 * - `fresh`: starts a server of its own, which is stopped at the end
 * - `path`: where to begin
 * - `context`: options of Playwright's context, such as the size of the window or the colour scheme
 * - `expected`: regular expressions of errors on the console that belong to the story
 *
 * `story` gets the page, the server, and the list of requests.
 */
export function page_test(name, options, story) {
  test(name, { timeout: 120_000 }, async (t) => {
    const server = await (options.fresh ?? options.server)();
    const context = await (await browser()).newContext({ viewport: { width: 1280, height: 800 }, ...options.context });
    context.setDefaultTimeout(PATIENCE);
    const { problems, requests } = watch(context, server, options.expected ?? []);
    const page = await context.newPage();
    try {
      await page.goto(server.url + (options.path ?? '/'));
      await story(page, { server, requests, t, context });
      assert.equal(await page.evaluate(() => globalThis.owned), undefined, 'a script of a name has run');
      assert.deepEqual(problems, []);
    } catch (error) {
      const picture = join(tmpdir(), `spanbridge-page-${name.replace(/\W+/g, "-")}.png`);
      await page.screenshot({ path: picture, timeout: 5_000 }).then(() => t.diagnostic(`what was seen: ${picture}`), () => {});
      if (problems.length > 0) t.diagnostic(`problems: ${problems.join("; ")}`);
      throw error;
    } finally {
      await context.close();
      if (options.fresh) await server.stop();
    }
  });
}

/** Collects everything that must not happen. */
function watch(context, server, expected) {
  const problems = [];
  const requests = [];
  const problem = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) problems.push(text);
  };
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    requests.push({ url: request.url(), method: request.method() });
    if (origin !== server.url && protocol !== 'data:' && protocol !== 'blob:') problem(`a foreign request: ${request.url()}`);
  });
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problem(`${message.type()} on the console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => problem(`an uncaught error: ${error.error().stack}`));
  context.on('dialog', (dialog) => {
    problem(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return { problems, requests };
}

/** Waits until `look` returns something true, and returns that. */
export async function until(what, look, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) assert.fail(`did not see in ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What makes the page wider than its window, as sentences. */
export function overflow(page) {
  return page.evaluate(() => {
    const root = document.scrollingElement;
    const wide = root.scrollWidth - root.clientWidth;
    if (wide <= 0) return [];
    const clips = (element) => element && element !== document.body && (getComputedStyle(element).overflowX !== 'visible' || clips(element.parentElement));
    const beyond = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > root.clientWidth + 0.5 && !clips(one.parentElement));
    const who = beyond.map((one) => `${one.localName}.${[...one.classList].join('.')}`);
    return [`it is ${wide} px too wide for ${root.clientWidth} px: ${who.slice(0, 6).join(', ')}`];
  });
}

/** Waits until the page has stood still for a while, but not for ever. Its event stream stays open, so the network is never idle. */
export function settled(page, still = 250, most = 3_000) {
  return page.evaluate(
    ([still, most]) =>
      new Promise((resolve) => {
        const observer = new MutationObserver(() => restart());
        const end = () => {
          observer.disconnect();
          resolve();
        };
        let timer = setTimeout(end, still);
        const restart = () => {
          clearTimeout(timer);
          timer = setTimeout(end, still);
        };
        setTimeout(end, most);
        observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      }),
    [still, most],
  );
}
