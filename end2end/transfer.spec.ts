// Todos that go to another list.

import { complete, openList, reload, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { go, makeList, menu } from './lists';
import { action, shows, waitOffline, waitSynced } from './page';

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Move or copy todos' });

async function choose(page: Page, list: string, target: string, ...todos: string[]): Promise<void> {
  await menu(page, list, 'transfer');
  for (const todo of todos) {
    await dialog(page).getByLabel(todo, { exact: true }).check();
  }
  await dialog(page).getByRole('combobox').selectOption(target);
}

test('todos move to another list offline, for others, too, and back to their places', async ({
  newPerson, goOffline, goOnline,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Tent', 'Milk', 'Stove');
  await complete(anna, 'Stove');
  await makeList(anna, 'Trip', 'Map');
  await waitSynced(anna);
  await go(anna, 'My list');
  await goOffline(anna);
  await waitOffline(anna);
  await choose(anna, 'My list', 'Trip', 'Stove', 'Tent');
  await action(anna, 'move-todos').click();
  await expect(dialog(anna).getByRole('status')).toHaveText('2 todos moved to “Trip”.');
  await expect(action(anna, 'undo-transfer')).toBeFocused();
  await action(anna, 'close-transfer').click();
  await shows(anna, 'Bread', 'Milk');
  await go(anna, 'Trip');
  await shows(anna, 'Map', 'Tent', 'Stove');
  await reload(anna);
  await shows(anna, 'Map', 'Tent', 'Stove');
  await goOnline(anna);
  await waitSynced(anna);
  await shows(bert, 'Bread', 'Milk');

  await choose(anna, 'Trip', 'My list', 'Map', 'Stove');
  await action(anna, 'move-todos').click();
  await expect(dialog(anna).getByRole('status')).toHaveText('2 todos moved to “My list”.');
  await shows(bert, 'Bread', 'Milk', 'Map', 'Stove');
  await action(anna, 'undo-transfer').click();
  await expect(dialog(anna).getByRole('status')).toHaveText('2 todos moved to “Trip”.');
  await action(anna, 'close-transfer').click();
  await shows(anna, 'Map', 'Tent', 'Stove');
  await shows(bert, 'Bread', 'Milk');
});

test('todos are copied to another list, and taken out again', async ({ page }) => {
  await openList(page);
  await makeList(page, 'Camping', 'Tent', 'Stove', 'Map');
  await choose(page, 'Camping', 'My list', 'Map', 'Tent');
  await action(page, 'copy-todos').click();
  await expect(dialog(page).getByRole('status')).toHaveText('2 todos copied to “My list”.');
  await action(page, 'close-transfer').click();
  await shows(page, 'Tent', 'Stove', 'Map');
  await go(page, 'My list');
  await shows(page, 'Tent', 'Map');
  await go(page, 'Camping');
  await choose(page, 'Camping', 'My list', 'Stove');
  await action(page, 'copy-todos').click();
  await action(page, 'undo-transfer').click();
  await expect(dialog(page).getByRole('status')).toHaveText('The copies are gone again.');
  await action(page, 'close-transfer').click();
  await go(page, 'My list');
  await shows(page, 'Tent', 'Map');
});
