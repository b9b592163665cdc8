// Todos that go to another list.

import { addTodo, complete, copyLink, invite, openList, person, reload, remove, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { go, makeList, menu } from './lists';
import { action, row, shows, waitOffline, waitSynced } from './page';

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

for (const mayLook of [false, true]) {
  test(`todos come back from a list that ${mayLook ? 'may only be looked at' : 'gives no access'} any more`, async ({
    newPerson, goOffline, goOnline,
  }) => {
    const anna = await newPerson();
    await openList(anna);
    await makeList(anna, 'Trip', 'Map');
    const viewer = await copyLink(anna, 'copy-viewer-link');
    await action(anna, 'share').click();
    const link = await invite(anna, 'Bert');
    const bert = await newPerson();
    await openList(bert);
    await addTodo(bert, 'Tent', 'Bread');
    await complete(bert, 'Tent');
    if (mayLook) {
      await openList(bert, viewer);
      await shows(bert, 'Map');
    }
    await openList(bert, link);
    await expect(bert.locator('body[data-role="editor"]')).toBeAttached();
    await shows(bert, 'Map');
    await waitSynced(bert);
    await go(bert, 'My list');
    await goOffline(bert);
    await waitOffline(bert);
    await choose(bert, 'My list', 'Trip', 'Tent');
    await action(bert, 'move-todos').click();
    await expect(dialog(bert).getByRole('status')).toHaveText('1 todo moved to “Trip”.');
    await action(bert, 'close-transfer').click();
    await shows(bert, 'Bread');
    await reload(bert);
    await shows(bert, 'Bread');

    await person(anna, 'Bert').locator('[data-action="remove-access"]').click();
    await person(anna, 'Bert').locator('[data-action="confirm-remove-access"]').click();
    await waitSynced(anna);
    await goOnline(bert);
    await shows(bert, 'Tent', 'Bread');
    await expect(row(bert, 'Tent')).toHaveClass('completed');
    await waitSynced(bert);
    await go(bert, 'Trip');
    await shows(bert, 'Map');
    await expect(bert.locator('[data-link="revoked"]')).toHaveCount(mayLook ? 0 : 1);
    await expect(bert.getByText(/changes? of yours/)).toHaveCount(0);
    await shows(anna, 'Map');
  });
}

test('what was deleted meanwhile stays out, and there is nothing to undo', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Milk');
  await makeList(anna, 'Trip', 'Map');
  await go(anna, 'My list');
  await choose(anna, 'My list', 'Trip', 'Milk');
  await remove(bert, 'Milk');
  await shows(anna, 'Bread');
  await action(anna, 'move-todos').click();
  await expect(dialog(anna).getByRole('status')).toContainText('Nothing has gone there');
  await expect(action(anna, 'undo-transfer')).toBeHidden();
  await action(anna, 'close-transfer').click();
  await choose(anna, 'My list', 'Trip', 'Bread');
  await expect(dialog(anna).getByRole('status')).toHaveText('');
  await expect(action(anna, 'move-todos')).toBeVisible();
});
