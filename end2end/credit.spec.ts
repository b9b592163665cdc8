// Who of the others has added, ticked and changed a todo.

import { addTodo, callThemselves, complete, copyLink, openList, reload, rename, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { row, shows, waitSynced } from './page';

const credit = (page: Page, title: string) => row(page, title).locator('label').first();
const says = (page: Page, title: string, text: string) =>
  expect(credit(page, title)).toHaveAttribute('data-credit', text);

test('a row says which others have added and ticked it, and for a moment who changes it', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  // Who hasn't said what they are called isn't named.
  await addTodo(bert, 'Milk');
  await shows(anna, 'Bread', 'Milk');
  await callThemselves(bert, 'Bert');
  await addTodo(bert, 'Butter');
  await shows(anna, 'Bread', 'Milk', 'Butter');
  await says(anna, 'Butter', 'added by Bert');
  await expect(row(anna, 'Butter').getByRole('checkbox', { name: 'Butter added by Bert' })).toBeVisible();
  await expect(credit(anna, 'Milk')).not.toHaveAttribute('data-credit');
  await expect(credit(bert, 'Butter')).not.toHaveAttribute('data-credit', /./);

  await callThemselves(anna, 'Anna');
  await complete(anna, 'Butter');
  await complete(anna, 'Bread');
  await says(bert, 'Butter', 'ticked by Anna');
  await says(bert, 'Bread', 'ticked by Anna');
  await row(anna, 'Bread').locator('.toggle').uncheck();
  await says(bert, 'Bread', 'opened again by Anna');

  await rename(bert, 'Bread', 'Brown bread');
  await says(anna, 'Brown bread', 'changed by Bert');
  await waitSynced(anna);
  await reload(anna);
  await shows(anna, 'Brown bread', 'Milk', 'Butter');
  await says(anna, 'Butter', 'added by Bert');
  await expect(credit(anna, 'Brown bread')).not.toHaveAttribute('data-credit', /./);
});

test('a helper who ticks is named, too', async ({ newPerson }) => {
  const { anna } = await together(newPerson, 'Bread');
  const link = await copyLink(anna, 'copy-helper-link');
  const helper = await newPerson();
  await openList(helper, link);
  await shows(helper, 'Bread');
  await callThemselves(helper, 'Hal');
  await complete(helper, 'Bread');
  await says(anna, 'Bread', 'ticked by Hal');
  await waitSynced(helper);
  await expect(row(helper, 'Bread')).not.toContainText('Not accepted');
});
