// One person's lists on several of their devices.

import { addTodo, copied, openList, reload, secrets, tokenOf } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, shows, status, waitOffline, waitSynced } from './page';

const lists = (page: Page) => page.locator('.lists li');
const link = (page: Page, name: string) => lists(page).getByRole('link', { name });

/** A laptop with bread on its first list, and the link that brings its lists to other devices. */
async function laptop(newPerson: () => Promise<Page>) {
  const page = await newPerson();
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  await action(page, 'devices').click();
  const devices = await copied(page, action(page, 'copy-devices-link'));
  await action(page, 'close-devices').click();
  return { page, devices };
}

test('another device has all lists, and what is made on it later is on the first, too', async ({ newPerson, server }) => {
  const { page: one, devices } = await laptop(newPerson);
  const other = await newPerson();
  await openList(other, devices);
  await expect(other.locator('[data-link="joined-home"]')).toBeVisible();
  expect(other.url()).not.toContain(tokenOf(devices));
  await action(other, 'dismiss-joined').click();
  await expect(other.locator('[data-link="joined-home"]')).toBeHidden();
  // Nobody has written to its own first list, so the laptop's takes its place.
  await shows(other, 'Bread');
  await expect(lists(other)).toHaveCount(1);
  await addTodo(other, 'Butter');
  await shows(one, 'Bread', 'Butter');

  await action(other, 'new-list').click();
  await expect(other).toHaveURL(/\/l\//);
  await addTodo(other, 'Tent');
  await expect(lists(one)).toHaveCount(2);
  await link(one, 'New list').click();
  await shows(one, 'Tent');
  await reload(other);
  await expect(lists(other)).toHaveCount(2);
  expect(secrets).toContain(tokenOf(devices));
  expect(server.found([tokenOf(devices)])).toEqual([]);
});

test('a device that has lists keeps them, and the link is opened offline', async ({ newPerson, goOffline, goOnline }) => {
  const { page: one, devices } = await laptop(newPerson);
  const other = await newPerson();
  await openList(other);
  await addTodo(other, 'Milk');
  await waitSynced(other);
  await goOffline(other);
  await waitOffline(other);
  await other.evaluate((hash) => { location.hash = hash; }, new URL(devices).hash);
  await expect(other.locator('[data-link="joined-home"]')).toBeVisible();
  await addTodo(other, 'Honey');
  await goOnline(other);
  await expect(lists(other)).toHaveCount(2);
  await expect(lists(one)).toHaveCount(2);
  await shows(other, 'Milk', 'Honey');
  await shows(one, 'Bread');
  await expect(status(other)).toHaveAttribute('data-sync', 'synced');
});

test('once there is something to lose, a link that brings it back is offered, once', async ({ newPerson, goOffline }) => {
  const page = await newPerson();
  await openList(page);
  const offer = page.locator('.keep-safe');
  await addTodo(page, 'Bread', 'Butter');
  await waitSynced(page);
  await expect(offer).toHaveCount(0);
  await goOffline(page);
  await waitOffline(page);
  await addTodo(page, 'Milk');
  await expect(offer).toBeVisible();
  await action(page, 'keep-safe').click();
  const devices = await copied(page, page.getByRole('dialog').locator('[data-action="copy-devices-link"]'));
  expect(devices).toContain('/#d=');
  await page.getByRole('dialog').locator('[data-action="close-devices"]').click();
  await expect(offer).toHaveCount(0);
  await reload(page);
  await shows(page, 'Bread', 'Butter', 'Milk');
  // It would come with the lists' rows.
  await expect(lists(page).first()).toContainText('3');
  await expect(offer).toHaveCount(0);

  const other = await newPerson();
  await openList(other);
  await addTodo(other, 'Soap', 'Tea', 'Honey');
  await action(other, 'not-safe').click();
  await expect(other.locator('.keep-safe')).toHaveCount(0);
  await reload(other);
  await expect(lists(other).first()).toContainText('3');
  await expect(other.locator('.keep-safe')).toHaveCount(0);
});
