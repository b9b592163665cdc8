// What syncs, and what the first screen does without, is a file of its own, which is loaded after the list is shown.

import { addTodo, openList, remove } from './actions';
import { expect, test } from './fixtures';
import { shows, status, waitSynced } from './page';

test('the list can be used before what comes later is there', async ({ browser, server }) => {
  // A service worker would have the file.
  const context = await browser.newContext({ baseURL: server.url, serviceWorkers: 'block' });
  const page = await context.newPage();
  let lost = 0;
  let isThere = false;
  await page.route('**/pkg/split_later.*', (route) => {
    if (isThere) return route.continue();
    lost += 1;
    return route.abort();
  });
  await openList(page);
  await addTodo(page, 'Bread', 'Butter');
  await remove(page, 'Bread');
  await expect.poll(() => lost, { message: 'it is asked for again', timeout: 20_000 }).toBeGreaterThan(1);
  await shows(page, 'Butter');
  await expect(status(page)).toHaveText(/^Connecting/);
  await expect(page.getByRole('button', { name: 'Share' })).toBeDisabled();

  isThere = true;
  await waitSynced(page);
  await expect(page.getByRole('button', { name: 'Share' })).toBeEnabled();
  await expect(page.getByRole('link', { name: 'My list' })).toHaveCount(1);
  await context.close();
});
