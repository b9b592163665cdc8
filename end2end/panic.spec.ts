// What people see when the app itself breaks.

import { expect, test } from './fixtures';

test('a page that breaks says so, says what is saved, and offers to reload', async ({
  browser, server,
}) => {
  // Not one of the people of the other stories: their pages must not complain, this one has to.
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  // A page that isn't the one the app was built for: bringing it to life panics.
  await page.route(`${server.url}/`, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('<h1>todos</h1>', '');
    await route.fulfill({ response, body });
  });
  await page.goto(`${server.url}/`);

  const banner = page.locator('#panic');
  await expect(banner).toBeVisible();
  await expect(banner).toHaveText(/broke.*saved on this device/);
  expect(errors.length).toBeGreaterThan(0);

  await page.unroute(`${server.url}/`);
  await banner.getByRole('link', { name: 'Reload' }).click();
  await expect(page.locator('body[data-ready]')).toBeVisible();
  await expect(banner).toBeHidden();
  await context.close();
});
