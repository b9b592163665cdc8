// Several tabs of one browser.

import {
  addTodo, complete, copyLink, newTab, openList, remove, rename, writeMany,
} from './actions';
import { expect, test } from './fixtures';
import {
  agree, row, rows, shows, status, titles, waitInstalled, waitOffline, waitSynced,
} from './page';

test('two tabs see each other\'s edits', async ({ page: left }) => {
  await openList(left);
  await addTodo(left, 'Bread');
  const right = await newTab(left);
  await shows(right, 'Bread');

  await addTodo(right, 'Butter');
  await shows(left, 'Bread', 'Butter');
  await complete(left, 'Butter');
  await expect(row(right, 'Butter')).toHaveClass('completed');
  await rename(right, 'Bread', 'Rye bread');
  await shows(left, 'Rye bread', 'Butter');
  await remove(left, 'Butter');
  await shows(right, 'Rye bread');
  await waitSynced(left);
  await waitSynced(right);
});

test('two tabs see each other\'s edits with the server dead', async ({ page: left, server }) => {
  await openList(left);
  await addTodo(left, 'Bread');
  const right = await newTab(left);
  await shows(right, 'Bread');
  await waitInstalled(left);
  await server.kill();

  await addTodo(right, 'Butter');
  await shows(left, 'Bread', 'Butter');
  await complete(left, 'Bread');
  await expect(row(right, 'Bread')).toHaveClass('completed');
  await waitOffline(left);
  await waitOffline(right);
  for (const tab of [left, right]) await expect(status(tab)).toHaveAttribute('data-pending', '2');

  const third = await newTab(left);
  await shows(third, 'Bread', 'Butter');
  await addTodo(third, 'Jam');
  await shows(left, 'Bread', 'Butter', 'Jam');
  await shows(right, 'Bread', 'Butter', 'Jam');

  await server.start();
  for (const tab of [left, right, third]) await waitSynced(tab);
});

test('edits of one todo in two tabs never conflict', async ({ page: left }) => {
  await openList(left);
  await addTodo(left, 'Bread');
  const right = await newTab(left);
  await shows(right, 'Bread');
  await Promise.all([rename(left, 'Bread', 'Rye bread'), right.locator('.toggle').check()]);
  for (const tab of [left, right]) {
    await shows(tab, 'Rye bread');
    await expect(rows(tab)).toHaveClass(['completed']);
    await expect(rows(tab)).toHaveText(['Rye bread']);
  }
});

test('two tabs that write concurrently lose nothing', async ({ page: left }) => {
  await openList(left);
  const right = await newTab(left);
  await Promise.all([writeMany(left, 'left', 30), writeMany(right, 'right', 30)]);
  await expect(rows(left)).toHaveCount(60);
  await expect(rows(right)).toHaveCount(60);
  const seen = await agree(left, right);
  expect(new Set(seen).size).toBe(60);
  await waitSynced(left);
});

test('whichever tab is closed, the other one keeps syncing', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  const second = await newTab(anna);
  const bert = await newPerson();
  await openList(bert, link);

  await anna.close();
  await addTodo(second, 'Butter');
  await shows(bert, 'Bread', 'Butter');

  const third = await newTab(second);
  await second.close();
  await addTodo(third, 'Jam');
  await shows(bert, 'Bread', 'Butter', 'Jam');
  expect(await titles(third)).toEqual(['Bread', 'Butter', 'Jam']);
});
