// Three people plan a list: its owner at a desk, an editor on a phone, and a viewer.

import { devices } from '@playwright/test';
import { addTodo, complete, copyLink, openList, reload, rename } from './actions';
import { expect, test } from './fixtures';
import { newTodo, row, shows, waitOffline, waitSynced } from './page';

const { defaultBrowserType: _, ...iPhone } = devices['iPhone 13'];

test('an owner, an editor on a phone and a viewer plan a trip', async ({ newPerson, goOffline, goOnline }) => {
  const anna = await newPerson();
  await openList(anna);
  await anna.locator('.list-name').fill('Trip');
  await anna.locator('.list-name').press('Enter');
  await addTodo(anna, 'Tent', 'Stove');
  await waitSynced(anna);

  const bert = await newPerson(iPhone);
  expect(bert.viewportSize()?.width).toBe(390);
  await openList(bert, await copyLink(anna));
  const vera = await newPerson();
  await openList(vera, await copyLink(anna, 'copy-viewer-link'));
  const all = [anna, bert, vera];
  for (const page of all) {
    await shows(page, 'Tent', 'Stove');
    await expect(page.locator('.list-name')).toHaveValue('Trip');
  }
  await expect(newTodo(vera)).toBeHidden();
  await expect(row(vera, 'Tent').locator('.toggle')).toBeDisabled();

  await newTodo(bert).tap();
  await bert.keyboard.type('Map');
  await bert.keyboard.press('Enter');
  await row(bert, 'Stove').locator('.toggle').tap();
  for (const page of all) {
    await shows(page, 'Tent', 'Stove', 'Map');
    await expect(row(page, 'Stove')).toHaveClass(/completed/);
  }

  // On the way the phone has no network, and both go on.
  await goOffline(bert);
  await waitOffline(bert);
  await row(bert, 'Tent').locator('.toggle').tap();
  await newTodo(bert).tap();
  await bert.keyboard.type('Water');
  await bert.keyboard.press('Enter');
  await row(bert, 'Stove').locator('.destroy').tap();
  await rename(anna, 'Tent', 'Large tent');
  await complete(anna, 'Map');
  await shows(vera, 'Large tent', 'Stove', 'Map');
  await goOnline(bert);
  for (const page of all) {
    await shows(page, 'Large tent', 'Map', 'Water');
    await expect(row(page, 'Large tent')).toHaveClass(/completed/);
    await expect(row(page, 'Map')).toHaveClass(/completed/);
    await waitSynced(page);
  }
  const scrolls = () => document.documentElement.scrollWidth > window.innerWidth;
  expect(await bert.evaluate(scrolls), 'the phone scrolls sideways').toBe(false);
  for (const page of all) {
    await reload(page);
    await shows(page, 'Large tent', 'Map', 'Water');
  }
});
