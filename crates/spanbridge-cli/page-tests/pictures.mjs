// Makes the pictures of docs/guide/devtools.md: the run of `cargo demo`, and stories beside it so that the list has more than one.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { open_browser, settled } from './support/browser.mjs';
import { BINARY, Server, directory, store } from './support/programs.mjs';
import { shrink } from './support/png.mjs';
import { choose, shown } from './support/run.mjs';
import { stories } from './support/stories.mjs';

const target = process.env.SPANBRIDGE_PAGE_PICTURES;
const LIMIT = 150_000;
const WINDOW = { width: 1280, height: 720 };

const db = directory('pictures');
const demo = spawnSync(join(dirname(BINARY), 'demo'), ['--db', db], { encoding: 'utf8' });
if (demo.status !== 0) throw new Error(`failed to run the demo: ${demo.stderr || demo.error}`);
store(db, stories(Date.now()));
const server = await Server.start(db, {});
const { runs } = await server.json('/api/v1/runs');
const id = (name, nth = 0) => runs.filter((run) => run.name === name)[nth].runId;

/** What each picture shows: its file, its address, and what is done before it is taken. */
const PICTURES = [
  { file: 'list', path: '/' },
  { file: 'list-light', path: '/', colorScheme: 'light' },
  { file: 'run', path: `/runs/${id('checkout')}`, look: async (page) => choose(page, 'process parcels warehouse') },
  { file: 'run-light', path: `/runs/${id('checkout')}`, colorScheme: 'light', look: async (page) => choose(page, 'process parcels warehouse') },
  { file: 'queue', path: `/runs/${id('POST /refunds')}`, height: 560, look: async (page) => choose(page, 'process refunds.dead') },
  { file: 'path', path: `/runs/${id('POST /orders')}?path=1`, height: 420 },
  { file: 'services', path: `/runs/${id('checkout')}?view=services`, colorScheme: 'light' },
  { file: 'why', path: `/runs/${id('GET /account')}?view=why` },
  { file: 'diff', path: `/diff/${id('nightly report', 1)}/${id('nightly report', 0)}`, colorScheme: 'light' },
];

mkdirSync(target, { recursive: true });
const browser = await open_browser();
for (const { file, path, colorScheme = 'dark', height = WINDOW.height, look } of PICTURES) {
  const context = await browser.newContext({ viewport: { ...WINDOW, height }, colorScheme, reducedMotion: 'reduce', timezoneId: 'UTC', locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(server.url + path);
  if (path.startsWith('/runs/') && !path.includes('why')) await shown(page);
  await page.getByText('doctor is looking').waitFor({ state: 'hidden' });
  await settled(page);
  if (look) {
    await look(page);
    await settled(page);
  }
  const seen = await page.locator('body').innerText();
  if (seen.includes('/') && /\/(home|root|tmp|work)\b/.test(seen)) throw new Error(`a path of this machine is in the picture ${file}`);
  const picture = shrink(await page.screenshot());
  if (picture.length > LIMIT) throw new Error(`the picture ${file} has ${picture.length} bytes; ${LIMIT} are allowed`);
  writeFileSync(join(target, `${file}.png`), picture);
  console.log(`${file}.png ${(picture.length / 1000).toFixed(0)} kB`);
  await context.close();
}
await browser.close();
await server.stop();
