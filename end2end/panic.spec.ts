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
    const body = (await response.text()).replace(/<main>.*<\/main>/s, '<main></main>');
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

test('a page says that it broke when WebAssembly traps, without a message of the app', async ({
  browser, server,
}) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/`);
  await expect(page.locator('body[data-ready]')).toBeVisible();
  for (const isInPromise of [false, true]) {
    await expect(page.locator('#panic')).toBeHidden();
    await page.evaluate((isInPromise) => {
      // One function without arguments, whose only instruction is `unreachable`, by the name `f`.
      const code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0]
        .concat([10, 5, 1, 3, 0, 0, 11]);
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code)));
      const trap = exports.f as () => void;
      if (isInPromise) void Promise.resolve().then(trap);
      else setTimeout(trap);
    }, isInPromise);
    await expect(page.locator('#panic')).toBeVisible();
    await page.reload();
  }
  await context.close();
});
