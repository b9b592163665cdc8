// Several lists on one device: going from one to the other, what is told of each, and what can be done with it.

import type { Locator, Page } from '@playwright/test';
import { addTodo, complete, copyLink, listOf, newTab, openList, reload, rename, together } from './actions';
import { expect, test } from './fixtures';
import { bar, go, inBar, makeList, menu, names, staysLoaded } from './lists';
import { action, isReady, newTodo, rows, shows, waitInstalled, waitOffline, waitSynced } from './page';
import { countSockets } from './tabs';

test('lists follow each other on one page, and the address and the back button with them', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  const home = page.url();
  await staysLoaded(page, async () => {
    await makeList(page, 'Trip', 'Tent', 'Stove');
    await complete(page, 'Tent');
    await page.getByRole('link', { name: 'Active' }).click();
    await shows(page, 'Stove');
    await go(page, 'My list');
    expect(page.url()).toBe(home);
    await shows(page, 'Bread');
    await expect(page.locator('.filters .selected')).toHaveText('All');
    await page.goBack();
    await shows(page, 'Stove');
    await expect(page.locator('.filters .selected')).toHaveText('Active');
    await page.goBack();
    await shows(page, 'Tent', 'Stove');
    await page.goBack();
    await shows(page, 'Bread');
    await page.goForward();
    await shows(page, 'Tent', 'Stove');
    await expect(page).toHaveTitle('Trip · Settee');
  });
});

test('each list keeps what is typed, and gets what is added', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await makeList(page, 'Trip', 'Tent');
  await newTodo(page).fill('Half a thou');
  await go(page, 'My list');
  await expect(newTodo(page)).toHaveValue('');
  // In one turn, so that nothing is saved when the other list comes.
  await addTodo(page, 'Butter');
  await page.evaluate(() => {
    const field = document.querySelector<HTMLInputElement>('.new-todo')!;
    field.value = 'Milk';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 13, bubbles: true }));
    [...document.querySelectorAll<HTMLElement>('nav.lists a')].find((link) => link.textContent?.includes('Trip'))!.click();
  });
  await expect(newTodo(page)).toHaveValue('Half a thou');
  await shows(page, 'Tent');
  await go(page, 'My list');
  await shows(page, 'Bread', 'Butter', 'Milk');
  await waitSynced(page);
  await reload(page);
  await shows(page, 'Bread', 'Butter', 'Milk');
  await go(page, 'Trip');
  await shows(page, 'Tent');
});

test('undo is about the list on the screen', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await makeList(page, 'Trip', 'Tent');
  await complete(page, 'Tent');
  await go(page, 'My list');
  await page.locator('.toggle').focus();
  await page.keyboard.press('Control+z');
  await expect(rows(page)).toHaveCount(0);
  await go(page, 'Trip');
  await page.locator('.toggle').focus();
  await page.keyboard.press('Control+z');
  await expect(rows(page)).not.toHaveClass('completed');
});

test('a list tells how many todos are open, and that others have changed it', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Butter');
  await complete(anna, 'Bread');
  await expect(inBar(anna, 'My list').locator('.count')).toContainText('1');
  await makeList(anna, 'Trip');
  await expect(inBar(anna, 'My list').locator('.mark')).toHaveCount(0);
  await addTodo(bert, 'Cheese', 'Milk');
  await expect(inBar(anna, 'My list').locator('.count')).toContainText('3', { timeout: 20_000 });
  await expect(inBar(anna, 'My list').locator('.mark')).toContainText('has news');
  await reload(anna);
  await expect(inBar(anna, 'My list').locator('.mark')).toContainText('has news');
  await go(anna, 'My list');
  await shows(anna, 'Bread', 'Butter', 'Cheese', 'Milk');
  await go(anna, 'Trip');
  await expect(inBar(anna, 'My list').locator('.mark')).toHaveCount(0);
});

test('a list tells that something of it waits', async ({ page, goOffline, goOnline }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  await goOffline(page);
  await waitOffline(page);
  await addTodo(page, 'Butter');
  await makeList(page, 'Trip', 'Tent', 'Stove');
  await expect(inBar(page, 'My list').locator('.mark')).toContainText('1 waiting');
  await goOnline(page);
  await expect(inBar(page, 'My list').locator('.mark')).toHaveCount(0, { timeout: 60_000 });
});

test('lists are moved and archived, by keyboard, too', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  for (const name of ['Camping', 'Art', 'Boats']) await makeList(page, name);
  await expect(names(page)).toHaveText(['My list', 'Art', 'Boats', 'Camping']);

  await inBar(page, 'Boats').locator('.more').focus();
  await page.keyboard.press('Enter');
  await expect(action(page, 'rename-list')).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(names(page)).toHaveText(['My list', 'Boats', 'Art', 'Camping']);
  await expect(action(page, 'list-up')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(names(page)).toHaveText(['Boats', 'My list', 'Art', 'Camping']);
  await page.keyboard.press('Escape');
  await expect(inBar(page, 'Boats').locator('.more')).toBeFocused();

  await menu(page, 'Art', 'archive-list');
  await expect(names(page)).toHaveText(['Boats', 'My list', 'Camping']);
  await reload(page);
  await expect(names(page)).toHaveText(['Boats', 'My list', 'Camping']);
  await page.locator('.archived summary').click();
  await menu(page, 'Art', 'archive-list');
  await expect(names(page)).toHaveText(['Boats', 'My list', 'Art', 'Camping']);
});

test('a list serves as a template, and all of a list is unticked at once', async ({ page, goOffline }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await makeList(page, 'Packing', 'Socks', 'Tent', 'Torch');
  await complete(page, 'Tent');
  await waitInstalled(page);
  await goOffline(page);
  await menu(page, 'Packing', 'copy-list');
  await expect(page.locator('.list-name')).toHaveValue('Packing copy');
  await shows(page, 'Socks', 'Tent', 'Torch');
  await expect(page.locator('.todo-list li.completed')).toHaveCount(0);
  await addTodo(page, 'Stove');
  await inBar(page, 'Packing copy').locator('.more').click();
  await expect(action(page, 'untick-all')).toBeHidden();
  await page.keyboard.press('Escape');

  await go(page, 'Packing');
  await shows(page, 'Socks', 'Tent', 'Torch');
  await complete(page, 'Socks');
  await expect(page.locator('.todo-list li.completed')).toHaveCount(2);
  await menu(page, 'Packing', 'untick-all');
  await expect(page.locator('.todo-list li.completed')).toHaveCount(0);
  await page.locator('.toggle').first().focus();
  await page.keyboard.press('Control+z');
  await expect(page.locator('.todo-list li.completed')).toHaveCount(2);
  // What isn't on the screen isn't changed from there.
  await inBar(page, 'My list').locator('.more').click();
  await expect(action(page, 'untick-all')).toBeHidden();
  await reload(page);
  await go(page, 'Packing copy');
  await shows(page, 'Socks', 'Tent', 'Torch', 'Stove');
});

test('a list is removed from this device once somebody has read what that means', async ({ newPerson }) => {
  const { anna, bert, link } = await together(newPerson, 'Bread');
  await makeList(bert, 'Trip', 'Tent');
  await go(bert, 'Unnamed list');
  await menu(bert, 'Unnamed list', 'forget-list');
  await expect(bert.getByRole('dialog')).toContainText('The others keep it');
  await bert.keyboard.press('Escape');
  await expect(bert.getByRole('dialog')).toHaveCount(0);
  await shows(bert, 'Bread');

  await menu(bert, 'Unnamed list', 'forget-list');
  await action(bert, 'confirm-forget').click();
  await expect(inBar(bert, 'Unnamed list')).toHaveCount(0);
  expect(new URL(bert.url()).pathname).toBe('/');
  const names = await bert.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  expect(names.filter((name) => name?.includes(listOf(link).replace('/l/', '')))).toEqual([]);
  await reload(bert);
  await expect(inBar(bert, 'Unnamed list')).toHaveCount(0);
  await shows(anna, 'Bread');
});

test('an owner deletes a list for everybody, offline; others keep what they have to read', async ({
  newPerson,
  goOffline,
  goOnline,
  server,
}) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await makeList(anna, 'Trip', 'Tent to be forgotten', 'Stove');
  await waitSynced(anna);
  const link = await copyLink(anna);
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, 'Tent to be forgotten', 'Stove');
  await menu(bert, 'Trip', 'forget-list');
  await expect(action(bert, 'end-list')).toBeHidden();
  await action(bert, 'keep-list').click();

  await goOffline(anna);
  await waitOffline(anna);
  await menu(anna, 'Trip', 'forget-list');
  await action(anna, 'end-list').click();
  await expect(anna.getByRole('dialog')).toContainText('It can’t be brought back');
  await action(anna, 'confirm-end').click();
  await expect(inBar(anna, 'Trip')).toHaveCount(0);
  await shows(anna, 'Bread');
  // It is still told to the server after the page was closed.
  await reload(anna);
  await shows(anna, 'Bread');
  await expect(inBar(anna, 'Trip')).toHaveCount(0);
  await shows(bert, 'Tent to be forgotten', 'Stove');
  await goOnline(anna);

  await expect(bert.locator('[data-link="revoked"]')).toBeVisible();
  await shows(bert, 'Tent to be forgotten', 'Stove');
  const ofList = (name?: string) => name?.includes(listOf(link).replace('/l/', ''));
  const kept = () => anna.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  await expect.poll(async () => (await kept()).filter(ofList)).toEqual([]);
  await server.stop();
  expect(server.found(['Tent to be forgotten'])).toEqual([]);
  await server.start();
  const late = await newPerson();
  await openList(late, link);
  await expect(rows(late)).toHaveCount(0);
});

test('200 lists are kept in sync over one socket', async ({ page, newPerson }) => {
  test.slow();
  const sockets = countSockets(page.context());
  await openList(page);
  await addTodo(page, 'Bread');
  await action(page, 'new-list').waitFor();
  await page.evaluate(async (count) => {
    const button = document.querySelector<HTMLElement>('[data-action=new-list]')!;
    for (let made = 0; made < count; made += 1) {
      const before = location.pathname;
      button.click();
      while (location.pathname === before) await new Promise(requestAnimationFrame);
    }
  }, 199);
  await expect(names(page)).toHaveCount(200);
  const last = await copyLink(page);
  await go(page, 'My list');
  await expect(bar(page).locator('.count')).toHaveCount(200, { timeout: 60_000 });
  await expect(bar(page).locator('.mark')).toHaveCount(0, { timeout: 60_000 });
  expect(sockets(page)).toBe(1);

  // All of them are followed, also those that nobody has looked at since the page was loaded.
  // The socket of a page that is gone isn't always told as closed.
  const socketsSince = countSockets(page.context());
  await reload(page);
  await shows(page, 'Bread');
  const bert = await newPerson();
  await openList(bert, last);
  await addTodo(bert, 'Tent', 'Stove');
  const link = page.locator(`nav.lists a[href="${listOf(last)}"]`);
  await expect(link.locator('.count')).toContainText('2', { timeout: 60_000 });
  await expect(link.locator('.mark')).toContainText('has news');
  expect(socketsSince(page)).toBe(1);
});

test('another tab knows of what is done with lists', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  const other = await newTab(page);
  await makeList(page, 'Trip', 'Tent');
  await go(other, 'Trip');
  await shows(other, 'Tent');
  await menu(page, 'Trip', 'archive-list');
  await expect(inBar(other, 'Trip')).toBeHidden();
});

test('a link that is opened here shows its list, with nothing lost of others', async ({ newPerson }) => {
  const { anna, link } = await together(newPerson, 'Bread');
  const clara = await newPerson();
  await openList(clara);
  await addTodo(clara, 'Mine');
  await openList(clara, link);
  await shows(clara, 'Bread');
  await clara.goBack();
  await shows(clara, 'Mine');
  await expect(inBar(clara, 'Unnamed list')).toBeVisible();
  expect(await copyLink(anna)).toBe(link);
});

test('one\'s own changes are no news, and what comes while one looks isn\'t either', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await makeList(anna, 'Trip');
  await go(anna, 'My list');
  await addTodo(bert, 'Milk');
  await shows(anna, 'Bread', 'Milk');
  await rename(anna, 'Bread', 'Rye bread');
  await go(anna, 'Trip');
  await expect(inBar(anna, 'My list').locator('.count')).toContainText('2');
  await waitSynced(anna);
  // What is counted comes after a second.
  await addTodo(anna, 'Tent');
  await expect(inBar(anna, 'Trip').locator('.count')).toContainText('1');
  await expect(inBar(anna, 'My list').locator('.mark')).toHaveCount(0);
});

test('a list that isn\'t on the screen is renamed, and the one that is keeps its name', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await makeList(page, 'Trip', 'Tent');
  await makeList(page, 'Home');
  await inBar(page, 'Trip').locator('.more').click();
  await inBar(page, 'Trip').locator('.more').click();
  await expect(action(page, 'rename-list')).toHaveCount(0);
  await menu(page, 'Trip', 'rename-list');
  await expect(page.locator('.list-name')).toBeFocused();
  await expect(page.locator('.list-name')).toHaveValue('Trip');
  await page.locator('.list-name').fill('Summer');
  await inBar(page, 'Home').locator('a').click();
  await expect(page.locator('.list-name')).toHaveValue('Home');
  await expect(names(page)).toHaveText(['My list', 'Home', 'Summer']);
  await reload(page);
  await expect(names(page)).toHaveText(['My list', 'Home', 'Summer']);
});

test('who removes a list hears what wasn\'t sent of it', async ({ page, goOffline }) => {
  await openList(page);
  await makeList(page, 'Trip', 'Tent');
  await waitSynced(page);
  await waitInstalled(page);
  await goOffline(page);
  await addTodo(page, 'Stove');
  await go(page, 'My list');
  await reload(page);
  await menu(page, 'Trip', 'forget-list');
  await expect(page.getByRole('dialog')).toContainText('1 change wasn’t sent yet');
});
