// A server that wants a token.

import assert from 'node:assert/strict';

import { page_test, until } from './support/browser.mjs';
import { Server, directory, store } from './support/programs.mjs';
import { queueWait } from './support/stories.mjs';

const TOKEN = 'a token that nobody guesses';
const fresh = () => Server.start(store(directory('token'), [queueWait(Date.now() - 60_000)]), { token: TOKEN });

page_test('the token is asked for, and asked again if it is wrong', { fresh, expected: [/401 \(Unauthorized\)/] }, async (page, { requests }) => {
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  // Quotes of a word processor, and characters that no header has.
  await dialog.getByLabel('Token').fill('“wrong” 鍵');
  await page.keyboard.press('Enter');
  await until('it is asked for again', async () => (await dialog.getByLabel('Token').inputValue()) === '');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.locator('[role=row][data-run-id]').count(), 0);
  await dialog.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('[role=row][data-run-id]').first().waitFor();
  // It is kept for this tab, and stands in no address.
  await page.reload();
  await page.locator('[role=row][data-run-id]').first().waitFor();
  assert.ok(requests.every(({ url }) => !decodeURIComponent(url).includes(TOKEN)));
});

const refused = [/401 \(Unauthorized\)/, /ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /ERR_EMPTY_RESPONSE/, /ERR_CONNECTION_RESET/];

page_test('a token that was changed on the server is called that', { fresh, expected: refused }, async (page, { server }) => {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByText('Live', { exact: true }).waitFor();
  await server.stop();
  server.token = 'another token';
  await server.start();
  await dialog.getByText('no longer accepted').waitFor({ timeout: 30_000 });
  await dialog.getByLabel('Token').fill('wrong');
  await page.keyboard.press('Enter');
  await dialog.getByText('not the right token').waitFor();
  await dialog.getByLabel('Token').fill(server.token);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 });
});
