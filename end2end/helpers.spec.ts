// Helpers: they tick and add, and change only what they have added.

import { addTodo, complete, copyLink, openList, reload, remove, rename } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, newTodo, row, shows, waitOffline, waitSynced } from './page';

async function helping(newPerson: () => Promise<Page>) {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const harry = await newPerson();
  await openList(harry, await copyLink(anna, 'copy-helper-link'));
  await shows(harry, 'Bread');
  await expect(harry.locator('body[data-role="helper"]')).toBeAttached();
  return { anna, harry };
}

const controls = (page: Page, title: string) => row(page, title).locator('.pencil, .destroy');

test('a helper ticks, adds, and changes only what is theirs', async ({ newPerson }) => {
  const { anna, harry } = await helping(newPerson);
  await addTodo(harry, 'Cups');
  await complete(harry, 'Bread');
  await shows(anna, 'Bread', 'Cups');
  await expect(row(anna, 'Bread')).toHaveClass(/completed/);

  for (const reloads of [false, true]) {
    if (reloads) {
      await reload(harry);
      await shows(harry, 'Bread', 'Cups');
    }
    await expect(controls(harry, 'Bread').locator('visible=true')).toHaveCount(0);
    await expect(controls(harry, 'Cups').locator('visible=true')).toHaveCount(2);
    await row(harry, 'Bread').locator('label').dblclick();
    await row(harry, 'Bread').locator('.toggle').press('F2');
    await expect(harry.locator('.edit')).toHaveCount(0);
    await expect(harry.locator('.clear-completed')).toBeHidden();
    await expect(harry.locator('.list-name')).not.toBeEditable();
  }
  await rename(harry, 'Cups', 'Mugs');
  await shows(anna, 'Bread', 'Mugs');
  await remove(harry, 'Mugs');
  await shows(anna, 'Bread');
  await waitSynced(harry);
});

test('what a helper ticks offline joins what others wrote meanwhile', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, harry } = await helping(newPerson);
  await goOffline(harry);
  await waitOffline(harry);
  await complete(harry, 'Bread');
  await addTodo(harry, 'Cups');
  await rename(anna, 'Bread', 'Rye');
  await rename(anna, 'Rye', 'Rye bread');
  await waitSynced(anna);
  await goOnline(harry);
  for (const page of [anna, harry]) {
    await shows(page, 'Rye bread', 'Cups');
    await expect(row(page, 'Rye bread')).toHaveClass(/completed/);
  }
  await waitSynced(harry);
  await expect(newTodo(harry)).toBeEditable();
});

async function letHelpersAdd(page: Page, may: boolean) {
  await action(page, 'share').click();
  await action(page, 'helpers-add').setChecked(may);
  await expect(page.getByRole('dialog').getByRole('status')).toContainText('as soon as this device is online');
  await action(page, 'close-share').click();
}

test('a helper adds only while the owner lets helpers add', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, harry } = await helping(newPerson);
  await addTodo(harry, 'Cups');
  await shows(anna, 'Bread', 'Cups');
  // What is added offline comes when the owner doesn't allow it any more.
  await goOffline(harry);
  await waitOffline(harry);
  await addTodo(harry, 'Plates');
  await letHelpersAdd(anna, false);
  await waitSynced(anna);
  await goOnline(harry);
  await expect(row(harry, 'Plates').locator('.notice')).toContainText('helpers may not add anything here');
  await expect(newTodo(harry)).toBeHidden();
  await shows(anna, 'Bread', 'Cups');
  await row(harry, 'Plates').getByRole('button', { name: 'Discard' }).click();
  await shows(harry, 'Bread', 'Cups');

  await complete(harry, 'Bread');
  await rename(harry, 'Cups', 'Mugs');
  await shows(anna, 'Bread', 'Mugs');
  await expect(row(anna, 'Bread')).toHaveClass(/completed/);
  await reload(harry);
  await shows(harry, 'Bread', 'Mugs');
  await expect(newTodo(harry)).toBeHidden();

  await letHelpersAdd(anna, true);
  await expect(newTodo(harry)).toBeVisible();
  await addTodo(harry, 'Forks');
  await shows(anna, 'Bread', 'Mugs', 'Forks');
});
