// What people see when the app panics.

import { expect, test } from './fixtures';

test('a page that panics says so, says what is saved, and offers to reload', async ({
  browser, server,
}) => {
  // A context of its own, because this page has to report an error, which `newPerson` doesn't allow.
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  // The app panics when it hydrates a page that it didn't render.
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
