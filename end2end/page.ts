// What is on the page, and waiting until it is there.

import { expect, type Locator, type Page } from '@playwright/test';

/** Maximum time to recover, in milliseconds: the reconnect delay grows with failed attempts. */
export const RECOVERY_TIMEOUT = 60_000;

export const rows = (page: Page): Locator =>
  page.locator('.todo-list li').filter({ visible: true });

/** The row with exactly this title. */
export const row = (page: Page, title: string): Locator =>
  rows(page).filter({ has: page.getByText(title, { exact: true }) });

export const newTodo = (page: Page): Locator => page.locator('.new-todo');
export const status = (page: Page): Locator => page.locator('[data-sync]');
export const action = (page: Page, name: string): Locator =>
  page.locator(`[data-action="${name}"]`);

/** The titles that are shown now, in order. */
export const titles = (page: Page): Promise<string[]> =>
  rows(page).locator('label').allTextContents();

/** Waits until exactly these titles are shown, in this order. */
export const shows = (page: Page, ...expected: string[]): Promise<void> =>
  expect(rows(page).locator('label')).toHaveText(expected, { timeout: RECOVERY_TIMEOUT });

/** Waits until two pages show the same todos in the same order and state. Returns the titles. */
export async function agree(one: Page, other: Page): Promise<string[]> {
  const shown = (page: Page) =>
    rows(page).evaluateAll((items) =>
      items.map((item) => `${item.classList.contains('completed') ? '[x]' : '[ ]'} ${item.querySelector('label')?.textContent}`),
    );
  await expect
    .poll(async () => JSON.stringify(await shown(one)) === JSON.stringify(await shown(other)), {
      message: 'both pages show the same',
      timeout: RECOVERY_TIMEOUT,
    })
    .toBe(true);
  return titles(one);
}

/** Waits until the app on the page can be used. */
export const isReady = (page: Page): Promise<void> =>
  expect(page.locator('body[data-ready]')).toBeAttached({ timeout: RECOVERY_TIMEOUT });

/** Waits until everything on this page has been acknowledged by the server. */
export async function waitSynced(page: Page): Promise<void> {
  // An edit is counted as pending in the next frame at the latest.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
  const shown = () =>
    status(page).evaluate(({ dataset, textContent }) => ({ ...dataset, text: textContent }));
  await expect
    .poll(shown, { message: 'the page is synced', timeout: RECOVERY_TIMEOUT })
    .toMatchObject({ sync: 'synced', pending: '0' });
}

/** Waits until everything that was written on this page is on the server, also while others write. */
export const waitSent = (page: Page): Promise<void> =>
  expect(page.locator('[data-pending="0"]')).toHaveCount(1, { timeout: RECOVERY_TIMEOUT });

/** Waits until the page knows that it cannot reach the server. */
export const waitOffline = (page: Page): Promise<void> =>
  expect(page.locator('[data-sync="offline"]')).toHaveCount(1, { timeout: RECOVERY_TIMEOUT });

/** Waits until the service worker is installed, so that the page opens without a server. */
export const waitInstalled = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
