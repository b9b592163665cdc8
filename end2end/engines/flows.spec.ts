// What people do most, in the engines besides Chromium.

import { test, type Person } from './fixtures';
import {
  addTodo, copyLink, has, openList, reload, rename, retry, says, shows, toggle, waitInstalled, waitSynced,
} from './list';
import type { Page } from './webdriver';

/** Two people on one list: the first has made it, the second has opened a link to it. */
async function together(anna: Page, newBrowser: () => Person, url: string, ...titles: string[]): Promise<Page> {
  await openList(anna, url);
  await addTodo(anna, ...titles);
  await waitSynced(anna);
  const link = await copyLink(anna);
  const bert = await newBrowser().open();
  await openList(bert, link);
  await shows(bert, ...titles.map((title) => `[ ] ${title}`));
  return bert;
}

test('todos are added, edited, completed, filtered and cleared, and outlive a reload', async ({ newBrowser, server }) => {
  const page = await newBrowser().open();
  await openList(page, server.url);
  await addTodo(page, 'Bread', 'Butter', 'Jam');
  await shows(page, '[ ] Bread', '[ ] Butter', '[ ] Jam');
  await rename(page, 'Bread', 'Rye bread');
  await shows(page, '[ ] Rye bread', '[ ] Butter', '[ ] Jam');
  await toggle(page, 'Butter');
  await shows(page, '[ ] Rye bread', '[x] Butter', '[ ] Jam');
  await says(page, '.todo-count', '2 items left');

  await page.click('.filters a[href="#/active"]');
  await shows(page, '[ ] Rye bread', '[ ] Jam');
  await page.click('.filters a[href="#/completed"]');
  await shows(page, '[x] Butter');
  await waitSynced(page);
  await reload(page);
  await shows(page, '[x] Butter');
  await page.click('.filters a[href="#/"]');
  await shows(page, '[ ] Rye bread', '[x] Butter', '[ ] Jam');

  await page.click('.clear-completed');
  await shows(page, '[ ] Rye bread', '[ ] Jam');
  await page.click('label[for="toggle-all"]');
  await shows(page, '[x] Rye bread', '[x] Jam');
});

test('two people see each other\'s edits at once', async ({ newBrowser, server }) => {
  const anna = await newBrowser().open();
  const bert = await together(anna, newBrowser, server.url, 'Bread', 'Butter');
  await addTodo(bert, 'Jam');
  await shows(anna, '[ ] Bread', '[ ] Butter', '[ ] Jam');
  await toggle(anna, 'Butter');
  await shows(bert, '[ ] Bread', '[x] Butter', '[ ] Jam');
  await rename(bert, 'Bread', 'Rye bread');
  await shows(anna, '[ ] Rye bread', '[x] Butter', '[ ] Jam');
});

test('with the server dead the list outlives a restart of the browser, and edits arrive later', async ({ newBrowser, server }) => {
  const person = newBrowser();
  let anna = await person.open();
  const bert = await together(anna, newBrowser, server.url, 'Bread');
  await waitInstalled(anna);
  await server.kill();
  await reload(anna);
  await shows(anna, '[ ] Bread');
  await addTodo(anna, 'Butter');
  await has(anna, '[data-sync="offline"][data-pending="1"]');
  await person.close();

  anna = await person.open();
  await openList(anna, server.url);
  await shows(anna, '[ ] Bread', '[ ] Butter');
  await toggle(anna, 'Bread');
  await has(anna, '[data-sync="offline"][data-pending="2"]');
  await server.start();
  await retry(anna);
  await retry(bert);
  await shows(bert, '[x] Bread', '[ ] Butter');
  await waitSynced(anna);
});

test('two tabs show the same, and the second syncs when the first is closed', async ({ newBrowser, server }) => {
  const person = newBrowser();
  const first = await person.open();
  await openList(first, server.url);
  await addTodo(first, 'Bread');
  const second = await person.newTab();
  await openList(second, server.url);
  await shows(second, '[ ] Bread');
  await addTodo(second, 'Butter');
  await shows(first, '[ ] Bread', '[ ] Butter');
  await toggle(first, 'Bread');
  await shows(second, '[x] Bread', '[ ] Butter');

  // A tab that is hidden isn't the leader if another is visible.
  await has(first, 'body[data-leader]');
  await first.close();
  await has(second, 'body[data-leader]');
  await addTodo(second, 'Jam');
  await shows(second, '[x] Bread', '[ ] Butter', '[ ] Jam');
  await waitSynced(second);
});
