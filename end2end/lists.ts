// What a person does with the lists in the side bar.

import type { Locator, Page } from '@playwright/test';
import { addTodo } from './actions';
import { expect } from './fixtures';
import { action, isReady } from './page';

export const bar = (page: Page): Locator => page.locator('nav.lists');
export const inBar = (page: Page, name: string): Locator =>
  bar(page).locator('li').filter({ has: page.locator('.name').getByText(name, { exact: true }) });
export const names = (page: Page): Locator => bar(page).locator('li:visible .name');

/** Makes a list with todos, and returns to where nothing is shown of it. */
export async function makeList(page: Page, name: string, ...todos: string[]): Promise<void> {
  const before = page.url();
  await action(page, 'new-list').click();
  await expect(page).not.toHaveURL(before);
  await page.locator('.list-name').fill(name);
  await page.locator('.list-name').press('Enter');
  await expect(inBar(page, name)).toBeVisible();
  await addTodo(page, ...todos);
}

export async function go(page: Page, name: string): Promise<void> {
  await inBar(page, name).locator('a').click();
  await expect(inBar(page, name).locator('a')).toHaveAttribute('aria-current', 'page');
  await isReady(page);
}

export async function menu(page: Page, name: string, entry: string): Promise<void> {
  await inBar(page, name).locator('.more').click();
  await action(page, entry).click();
}

/** Fails if the page is loaded anew. */
export async function staysLoaded(page: Page, what: () => Promise<void>): Promise<void> {
  await page.evaluate(() => Object.assign(window, { isSame: true }));
  await what();
  expect(await page.evaluate(() => 'isSame' in window), 'the page stays').toBe(true);
}
