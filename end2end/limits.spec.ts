// Long texts: what fits is counted in characters, and what doesn't stays where it was typed.

import { addTodo, copyLink, openList, rename, startEditing } from './actions';
import { expect, test } from './fixtures';
import { action, newTodo, row, shows, waitSynced } from './page';

const TITLE_LIMIT = 65_536;
const NAME_LIMIT = 1024;
const PERSON_LIMIT = 60;

test('a name of a list has as many emoji as letters, and a longer one stays in the field', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Sofas');
  const bert = await newPerson();
  await openList(bert, await copyLink(anna));
  const name = anna.locator('.list-name');
  await name.fill('🛋'.repeat(NAME_LIMIT + 1));
  await name.press('Enter');
  await expect(name).toHaveValue('🛋'.repeat(NAME_LIMIT + 1));
  await expect(name).toBeFocused();
  await name.fill('🛋'.repeat(NAME_LIMIT));
  await name.press('Enter');
  await expect(name).not.toBeFocused();
  await expect(bert.locator('.list-name')).toHaveValue('🛋'.repeat(NAME_LIMIT));
  await waitSynced(anna);
});

test('a name of a person is kept whole, or not at all', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await action(anna, 'share').click();
  const name = anna.getByLabel('Your name');
  await name.fill('木'.repeat(PERSON_LIMIT));
  await name.press('Tab');
  await name.fill('木'.repeat(PERSON_LIMIT + 1));
  await name.press('Tab');
  await expect(name).toHaveValue('木'.repeat(PERSON_LIMIT + 1));
  await anna.reload();
  await action(anna, 'share').click();
  await expect(name).toHaveValue('木'.repeat(PERSON_LIMIT));
  await action(anna, 'close-share').click();
  // The server takes what was added under it.
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  await expect(row(anna, 'Bread').locator('.notice')).toHaveCount(0);
});

test('a title that is too long stays to be shortened', async ({ page }) => {
  await openList(page);
  const [long, longest] = ['🛋'.repeat(TITLE_LIMIT + 1), '🛋'.repeat(TITLE_LIMIT)];
  await newTodo(page).fill(long);
  await newTodo(page).press('Enter');
  await expect(page.getByText('This text is too long for one todo.')).toBeVisible();
  await expect(newTodo(page)).toHaveValue(long);
  await addTodo(page, 'Sofas');
  await expect(page.getByText('This text is too long for one todo.')).toHaveCount(0);
  const editor = await startEditing(row(page, 'Sofas'));
  await editor.fill(long);
  await editor.press('Enter');
  await expect(page.getByText('This text is too long for one todo.')).toBeVisible();
  await expect(editor).toHaveValue(long);
  await editor.press('Escape');
  await rename(page, 'Sofas', longest);
  await shows(page, longest);
  await waitSynced(page);
});
