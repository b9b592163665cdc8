// Changes that the server refuses, of what stands in no row.

import { invite, openList } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, status, waitSynced } from './page';

/** Has a field take more than the app lets people type. */
const unlimited = (page: Page, selector: string) =>
  page.locator(selector).evaluate((field) => field.removeAttribute('pattern'));

test('a refused name of the list is told with the reason, tried again and discarded', async ({ page }) => {
  await openList(page);
  await waitSynced(page);
  const name = page.locator('.list-name');
  await unlimited(page, '.list-name');
  await name.fill('x'.repeat(1025));
  await name.press('Enter');
  const told = page.getByText('Not accepted: the list’s name “xxx');
  await expect(told).toContainText('the field “name” has more than 1024 characters');
  await expect(status(page)).toHaveAttribute('data-sync', 'refused');

  // The server says the same again, of another revision.
  await action(page, 'retry-change').click();
  await expect(told).toHaveCount(1);
  await expect(status(page)).toHaveAttribute('data-sync', 'refused');
  await page.reload();
  await expect(told).toHaveCount(1);
  await action(page, 'discard-change').click();
  await expect(told).toHaveCount(0);
  await waitSynced(page);
});

test('a refused invitation is told with whom it is for', async ({ page }) => {
  await openList(page);
  await waitSynced(page);
  await action(page, 'share').click();
  await unlimited(page, '#invite-name');
  await invite(page, `Anna ${'x'.repeat(300)}`);
  await action(page, 'close-share').click();
  await expect(page.getByText('Not accepted: the invitation of “Anna xxx')).toContainText('the name or the seed of an invitation is too long');
  await action(page, 'discard-change').click();
  await expect(action(page, 'discard-change')).toHaveCount(0);
  await waitSynced(page);
});
