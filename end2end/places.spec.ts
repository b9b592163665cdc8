// Todos that only so many people can take: the server gives out each place once.

import { addTodo, callThemselves, copyLink, openList, remove, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, row, shows, waitOffline, waitSynced } from './page';

const line = (page: Page, title: string) => row(page, title).locator('.places');
const ask = (page: Page, title: string) => line(page, title).getByRole('button');

async function setPlaces(page: Page, title: string, places: number): Promise<void> {
  await page.locator('.lists [aria-current="page"] ~ [data-action="list-menu"]').click();
  await action(page, 'set-places').click();
  const field = page.getByRole('dialog').getByLabel(title);
  await field.fill(String(places));
  await field.press('Tab');
  await action(page, 'close-places').click();
}

test('a place is taken, given back, and taken by somebody else', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Cake');
  await callThemselves(bert, 'Bert');
  await setPlaces(anna, 'Cake', 1);
  await expect(line(bert, 'Cake')).toContainText('0 of 1 taken');
  await expect(line(anna, 'Bread')).toHaveCount(0);
  await ask(bert, 'Cake').click();
  await expect(line(bert, 'Cake')).toContainText('1 of 1 taken: Bert');
  await expect(line(bert, 'Cake')).toContainText('You do it.');
  await expect(line(anna, 'Cake')).toContainText('1 of 1 taken: Bert');
  await expect(ask(anna, 'Cake')).toHaveCount(0);

  // Rows that come again have their lines.
  await anna.goto('#/completed');
  await expect(anna.locator('.places')).toHaveCount(0);
  await anna.goto('#/active');
  await expect(line(anna, 'Cake')).toContainText('Bert');

  await ask(bert, 'Cake').click();
  await expect(line(anna, 'Cake')).toContainText('0 of 1 taken');
  await ask(anna, 'Cake').click();
  await expect(line(bert, 'Cake')).toContainText('1 of 1 taken: Somebody');
  await setPlaces(anna, 'Cake', 0);
  await expect(bert.locator('.places')).toHaveCount(0);
});

test('the last place goes to one of two who asked offline, and the other is told why not', async ({
  newPerson, goOffline, goOnline,
}) => {
  const { anna, bert } = await together(newPerson, 'Cake');
  await setPlaces(anna, 'Cake', 1);
  const clara = await newPerson();
  await openList(clara, await copyLink(anna, 'copy-helper-link'));
  const people = [bert, clara];
  for (const page of people) {
    await expect(line(page, 'Cake')).toContainText('0 of 1 taken');
    await waitSynced(page);
    await goOffline(page);
    await waitOffline(page);
    await ask(page, 'Cake').click();
    await expect(line(page, 'Cake')).toContainText('You have asked');
  }
  for (const page of people) {
    await goOnline(page);
    await waitSynced(page);
    await expect(line(page, 'Cake')).toContainText('1 of 1 taken');
    await expect(line(page, 'Cake')).not.toContainText('You have asked');
  }
  await expect(line(bert, 'Cake')).toContainText('You do it.');
  await expect(line(clara, 'Cake')).toContainText('The last place went to somebody else.');
  // When there is room again, they may ask again.
  await setPlaces(anna, 'Cake', 2);
  await expect(line(clara, 'Cake')).toContainText('There is room again.');
  await ask(clara, 'Cake').click();
  await expect(line(clara, 'Cake')).toContainText('You do it.');
  await expect(line(anna, 'Cake')).toContainText('2 of 2 taken');
  await waitSynced(clara);
});

test('kill -9 of the server: each place is given once', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Cake', 'Juice');
  await setPlaces(anna, 'Cake', 2);
  await setPlaces(anna, 'Juice', 1);
  await expect(line(bert, 'Juice')).toContainText('0 of 1 taken');
  await ask(bert, 'Juice').click();
  await server.kill();
  await ask(bert, 'Cake').click();
  await ask(anna, 'Cake').click();
  await server.start();
  for (const page of [anna, bert]) {
    await expect(line(page, 'Cake')).toContainText('2 of 2 taken');
    await expect(line(page, 'Juice')).toContainText('1 of 1 taken');
  }
  await server.kill();
  await server.start();
  await addTodo(anna, 'Bread');
  await shows(bert, 'Cake', 'Juice', 'Bread');
  await expect(line(bert, 'Cake')).toContainText('2 of 2 taken: Somebody, Somebody');
  await expect(line(bert, 'Juice')).toContainText('1 of 1 taken: Somebody');
});

test('a todo that is deleted and brought back has its places as they were', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Cake');
  await callThemselves(bert, 'Bert');
  await setPlaces(anna, 'Cake', 2);
  await ask(bert, 'Cake').click();
  await expect(line(anna, 'Cake')).toContainText('1 of 2 taken: Bert');
  await remove(anna, 'Cake');
  await shows(bert, 'Bread');
  await waitSynced(anna);
  await anna.keyboard.press('Control+z');
  for (const page of [anna, bert]) {
    await shows(page, 'Bread', 'Cake');
    await expect(line(page, 'Cake')).toContainText('1 of 2 taken: Bert');
  }
  await expect(line(bert, 'Cake')).toContainText('You do it.');
});
