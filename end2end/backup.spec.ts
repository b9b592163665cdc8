// All that a device keeps is saved as one file, and comes back from it.

import { readFile } from 'node:fs/promises';
import { addTodo, complete, openList, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, isReady, row, shows, waitInstalled, waitOffline, waitSynced } from './page';

async function save(page: Page): Promise<{ name: string; file: Buffer }> {
  await action(page, 'this-device').click();
  const [download] = await Promise.all([page.waitForEvent('download'), action(page, 'save-device').click()]);
  await action(page, 'close-this-device').click();
  return { name: download.suggestedFilename(), file: await readFile(await download.path()) };
}

const choose = (page: Page, buffer: Buffer): Promise<void> =>
  page.getByLabel('Open a file').setInputFiles({ name: 'My lists.settee', mimeType: '', buffer });

const told = (page: Page) => page.locator('#file-complaint');

test('a device that was forgotten comes back from its file, with what was never sent', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Butter');
  await waitInstalled(bert);
  const shared = bert.url();
  await openList(bert, '/');
  await addTodo(bert, 'Private');
  await waitSynced(bert);
  await goOffline(bert);
  await waitOffline(bert);
  await openList(bert, shared);
  await addTodo(bert, 'Milk');
  await complete(bert, 'Bread');
  const { name, file } = await save(bert);
  expect(name).toBe('My lists.settee');

  await action(bert, 'this-device').click();
  await action(bert, 'forget-device').click();
  await Promise.all([bert.waitForEvent('load'), action(bert, 'confirm-forget-device').click()]);
  await isReady(bert);
  await shows(bert);
  await choose(bert, file);
  await expect(told(bert)).toHaveText('2 lists are here again.');
  // The list that this browser began anew has made room for the first one.
  await shows(bert, 'Private');
  await expect(bert.locator('.lists li')).toHaveCount(2);
  await openList(bert, shared);
  await shows(bert, 'Bread', 'Butter', 'Milk');
  await expect(row(bert, 'Bread')).toHaveClass('completed');
  await choose(bert, file);
  await expect(told(bert)).toHaveText('All of it is here already.');

  await goOnline(bert);
  await waitSynced(bert);
  await shows(anna, 'Bread', 'Butter', 'Milk');
  await expect(row(anna, 'Bread')).toHaveClass('completed');
});

test('a file that is not whole is told, and what is there stays', async ({ newPerson }) => {
  const page = await newPerson();
  await openList(page);
  await addTodo(page, 'Bread');
  const { file } = await save(page);
  const other = await newPerson();
  await openList(other);
  await addTodo(other, 'Soap');
  await choose(other, file.subarray(0, -3));
  await expect(told(other)).toHaveText('This file isn’t whole. Nothing was taken from it.');
  await expect(other.locator('.lists li')).toHaveCount(1);
  await choose(other, file);
  await expect(told(other)).toHaveText('1 list is here again.');
  await shows(other, 'Soap');
  await other.locator('.lists li a').nth(1).click();
  await shows(other, 'Bread');
  await waitSynced(other);
});
