// The app works without its server.

import { addTodo, complete, copyLink, openList, reload, remove, rename, together } from './actions';
import { expect, test } from './fixtures';
import { agree, row, shows, status, waitInstalled, waitOffline, waitSynced } from './page';

test('after one visit the app opens with the server dead', async ({ page, server }) => {
  await openList(page);
  await addTodo(page, 'Bread', 'Butter');
  await waitSynced(page);
  await waitInstalled(page);
  await server.kill();

  await reload(page);
  await shows(page, 'Bread', 'Butter');
  await waitOffline(page);
});

test('edits made with the server dead survive a reload', async ({ page, server }) => {
  await openList(page);
  await addTodo(page, 'Bread', 'Butter', 'Jam');
  await waitSynced(page);
  await waitInstalled(page);
  await server.kill();

  await addTodo(page, 'Honey');
  await rename(page, 'Bread', 'Rye bread');
  await complete(page, 'Butter');
  await remove(page, 'Jam');
  await waitOffline(page);
  await expect(status(page)).toHaveAttribute('data-pending', '4');
  await reload(page);
  await shows(page, 'Rye bread', 'Butter', 'Honey');
  await expect(row(page, 'Butter')).toHaveClass('completed');
  await waitOffline(page);
  await expect(status(page)).toHaveAttribute('data-pending', '4');

  await server.start();
  await waitSynced(page);
});

test('a visit without any edit is enough to work offline', async ({ page, server }) => {
  await openList(page);
  await waitInstalled(page);
  await server.kill();
  await reload(page);
  await addTodo(page, 'Bread');
  await expect(status(page)).toHaveAttribute('data-pending', '1');
  await reload(page);
  await shows(page, 'Bread');
});

test('a list joined by a link opens offline at its own address', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await waitInstalled(bert);
  await server.kill();
  await reload(bert);
  await shows(bert, 'Bread');
  await addTodo(bert, 'Butter');
  // A pending edit is saved on the device, so the page may be left now.
  await expect(status(bert)).toHaveAttribute('data-pending', '1');

  await openList(bert, '/');
  await shows(bert);

  await server.start();
  // The edit is synced although another list is on the screen.
  await shows(anna, 'Bread', 'Butter');
});

test('a browser that is restarted with the server dead shows everything, and its edits reach others later', async ({
  newPerson, newProfile, server,
}) => {
  const profile = await newProfile();
  let anna = await profile.open();
  await openList(anna);
  await addTodo(anna, 'Bread', 'Butter');
  await waitSynced(anna);
  await waitInstalled(anna);
  const link = await copyLink(anna);
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, 'Bread', 'Butter');

  await server.kill();
  await complete(anna, 'Bread');
  await addTodo(anna, 'Written before the restart');
  await waitOffline(anna);
  await profile.close();

  anna = await profile.open();
  await openList(anna, '/');
  await shows(anna, 'Bread', 'Butter', 'Written before the restart');
  await expect(row(anna, 'Bread')).toHaveClass('completed');
  await addTodo(anna, 'Written after the restart');

  await server.start();
  await shows(bert, 'Bread', 'Butter', 'Written before the restart', 'Written after the restart');
  await expect(row(bert, 'Bread')).toHaveClass('completed');
  await waitSynced(anna);
  await agree(anna, bert);
});

test('the status says in words that the page is offline and how many changes are pending', async ({ page, server }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const synced = await status(page).innerText();
  await server.kill();
  await addTodo(page, 'Butter', 'Jam');
  await waitOffline(page);
  await expect(status(page)).toHaveAttribute('data-pending', '2');
  await expect(status(page)).toContainText(/offline/i);
  await expect(status(page)).toContainText('2');
  expect(await status(page).innerText()).not.toBe(synced);
});
