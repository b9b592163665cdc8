// A device forgets its person.

import { addTodo, callThemselves, copyLink, newTab, openList, tokenOf, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, isReady, shows, waitInstalled, waitOffline, waitSynced } from './page';
import { deviceKeeps } from './storage';

const lists = (page: Page) => page.locator('.lists li');

async function forget(page: Page, warning: string): Promise<void> {
  await action(page, 'this-device').click();
  const told = page.locator('[aria-labelledby="this-device-title"] .warning');
  await (warning ? expect(told).toHaveText(warning) : expect(told).toBeHidden());
  await action(page, 'forget-device').click();
  // The page goes, and another one comes.
  await Promise.all([page.waitForEvent('load'), action(page, 'confirm-forget-device').click()]);
}

/** It is as on a first visit: one list, with nothing in it and no name. */
async function isEmpty(page: Page): Promise<void> {
  await expect(page).toHaveURL(/\/$/);
  await isReady(page);
  await shows(page);
  await expect(lists(page)).toHaveCount(1);
}

test('a device that is forgotten has nothing left, also with another tab, and offline', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, bert, link } = await together(newPerson, 'Bread');
  await waitInstalled(bert);
  await callThemselves(bert, 'Bertram');
  await bert.getByLabel('Colours').selectOption('dark');
  const other = await newTab(bert, '/');
  await addTodo(other, 'Private');
  await waitSynced(other);
  await goOffline(bert);
  await waitOffline(bert);
  await waitOffline(other);
  await addTodo(bert, 'Milk', 'Honey');
  await addTodo(other, 'Secret');
  await shows(bert, 'Bread', 'Milk', 'Honey');
  await shows(other, 'Private', 'Secret');
  const secrets = ['Bread', 'Milk', 'Private', 'Secret', 'Bertram', 'dark', tokenOf(link)];
  const before = await deviceKeeps(bert);
  for (const secret of secrets) expect(before, secret).toContain(secret);

  await Promise.all([other.waitForEvent('load'), forget(bert, '3 changes in 2 lists exist only here.')]);
  await isEmpty(bert);
  await isReady(other);
  await shows(other);
  await expect(lists(other)).toHaveCount(1);
  const after = await deviceKeeps(bert);
  for (const secret of secrets) expect(after, secret).not.toContain(secret);
  expect(after).not.toContain(new URL(link).pathname.slice('/l/'.length));

  // It can be used again at once, in both tabs, and what others have is theirs.
  await goOnline(bert);
  await addTodo(bert, 'Tea');
  await shows(other, 'Tea');
  await waitSynced(bert);
  await shows(anna, 'Bread');
  await openList(other, link);
  await shows(other, 'Bread');
});

test('a tab that was on another list when its device was forgotten has nothing of it', async ({ newPerson }) => {
  const { bert } = await together(newPerson, 'Bread');
  const address = bert.url();
  const other = await newTab(bert, '/');
  await Promise.all([bert.waitForEvent('load'), forget(other, '')]);
  await isEmpty(other);
  await isEmpty(bert);
  expect(await deviceKeeps(other)).not.toContain(new URL(address).pathname.slice('/l/'.length));
  await openList(bert, address);
  await expect(bert.locator('.unknown')).toBeVisible();
});

test('a device whose browser is closed in the middle is forgotten at the next start', async ({ newPerson }) => {
  const page = await newPerson();
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const token = tokenOf(await copyLink(page));
  await page.evaluate(() => localStorage.setItem('settee/forgetting', 'yes'));
  await page.reload();
  await isEmpty(page);
  const keeps = await deviceKeeps(page);
  for (const secret of ['Bread', token, 'settee/forgetting']) expect(keeps, secret).not.toContain(secret);
});
