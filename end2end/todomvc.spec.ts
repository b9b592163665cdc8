// The test cases of TodoMVC, under the names that its suites give them, and further requirements of
// its specification.

import { addTodo, complete, openList, reload, remove, rename, startEditing, writeMany } from './actions';
import { expect, test, type Page } from './fixtures';
import { newTodo, row, rows, shows, waitSynced } from './page';

const TODOS = ['Water the fern', 'Call the plumber', 'Sew on the button'] as const;
const [FERN, PLUMBER, BUTTON] = TODOS;

const main = (page: Page) => page.locator('.main');
const footer = (page: Page) => page.locator('.footer');
const toggleAll = (page: Page) => page.locator('.toggle-all');
const clickToggleAll = (page: Page) => page.locator('label[for="toggle-all"]').click();
const count = (page: Page) => page.locator('.todo-count');
const clearCompleted = (page: Page) => page.locator('.clear-completed');
const filter = (page: Page, name: string) => page.locator('.filters a', { hasText: name });
const selected = (page: Page) => page.locator('.filters .selected');

/** Checks which rows are completed, and that no row has any other class. */
const completedAre = (page: Page, ...states: boolean[]) =>
  expect(rows(page)).toHaveClass(states.map((state) => (state ? 'completed' : '')));

test.beforeEach(({ page }) => openList(page));

test.describe('When page is initially opened', () => {
  test('should focus on the todo input field', async ({ page }) => {
    await expect(newTodo(page)).toBeFocused();
  });
});

test.describe('No Todos', () => {
  test('starts with nothing', async ({ page }) => {
    await expect(rows(page)).toHaveCount(0);
  });

  test('should hide #main and #footer', async ({ page }) => {
    await expect(main(page)).toBeHidden();
    await expect(footer(page)).toBeHidden();
  });
});

test.describe('New Todo', () => {
  test('should allow me to add todo items', async ({ page }) => {
    await addTodo(page, FERN);
    await expect(rows(page)).toHaveText([FERN]);
    await addTodo(page, PLUMBER);
    await expect(rows(page)).toHaveText([FERN, PLUMBER]);
  });

  test('should clear text input field when an item is added', async ({ page }) => {
    await addTodo(page, FERN);
    await expect(newTodo(page)).toHaveValue('');
  });

  test('should append new items to the bottom of the list', async ({ page }) => {
    await addTodo(page, ...TODOS);
    await expect(rows(page)).toHaveText([...TODOS]);
    await expect(count(page)).toHaveText('3 items left');
  });

  test('should trim text input', async ({ page }) => {
    await addTodo(page, `   ${FERN} \t `);
    await expect(rows(page)).toHaveCount(1);
    expect(await rows(page).locator('label').textContent()).toBe(FERN);
  });

  test('should show #main and #footer when items added', async ({ page }) => {
    await addTodo(page, FERN);
    await expect(main(page)).toBeVisible();
    await expect(footer(page)).toBeVisible();
  });
});

test.describe('Mark all as completed', () => {
  test.beforeEach(({ page }) => addTodo(page, ...TODOS));

  test('should allow me to mark all items as completed', async ({ page }) => {
    await clickToggleAll(page);
    await completedAre(page, true, true, true);
  });

  test('should allow me to clear the complete state of all items', async ({ page }) => {
    await clickToggleAll(page);
    await completedAre(page, true, true, true);
    await clickToggleAll(page);
    await completedAre(page, false, false, false);
  });

  test('complete all checkbox should update state when items are completed / cleared', async ({ page }) => {
    await clickToggleAll(page);
    await expect(toggleAll(page)).toBeChecked();
    await row(page, FERN).locator('.toggle').uncheck();
    await expect(toggleAll(page)).not.toBeChecked();
    await complete(page, FERN);
    await expect(toggleAll(page)).toBeChecked();
    await clearCompleted(page).click();
    await expect(toggleAll(page)).not.toBeChecked();
  });

  test('should correctly update the complete all checked state', async ({ page }) => {
    for (const title of TODOS) {
      await expect(toggleAll(page)).not.toBeChecked();
      await complete(page, title);
    }
    await expect(toggleAll(page)).toBeChecked();
  });

  test('is not checked when a todo is added to an emptied list', async ({ page }) => {
    await clickToggleAll(page);
    await clearCompleted(page).click();
    await addTodo(page, 'Something new');
    await expect(toggleAll(page)).not.toBeChecked();
    await completedAre(page, false);
  });
});

test.describe('Item', () => {
  test('should allow me to mark items as complete', async ({ page }) => {
    await addTodo(page, FERN, PLUMBER);
    await complete(page, FERN);
    await completedAre(page, true, false);
    await complete(page, PLUMBER);
    await completedAre(page, true, true);
  });

  test('should allow me to un-mark items as complete', async ({ page }) => {
    await addTodo(page, FERN, PLUMBER);
    await complete(page, FERN);
    await completedAre(page, true, false);
    await row(page, FERN).locator('.toggle').uncheck();
    await completedAre(page, false, false);
  });

  test('should allow me to edit an item', async ({ page }) => {
    await addTodo(page, ...TODOS);
    await rename(page, PLUMBER, 'Call the plumber again');
    await expect(rows(page)).toHaveText([FERN, 'Call the plumber again', BUTTON]);
  });

  test('should allow me to remove an item', async ({ page }) => {
    await addTodo(page, ...TODOS);
    await remove(page, PLUMBER);
    await expect(rows(page)).toHaveText([FERN, BUTTON]);
  });
});

test.describe('Editing', () => {
  test.beforeEach(({ page }) => addTodo(page, ...TODOS));

  test('should focus the input', async ({ page }) => {
    const editor = await startEditing(row(page, PLUMBER));
    await expect(editor).toBeFocused();
    await expect(editor).toHaveValue(PLUMBER);
  });

  test('should hide other controls when editing', async ({ page }) => {
    const item = rows(page).nth(1);
    await startEditing(item);
    await expect(item).toHaveClass('editing');
    await expect(item.locator('.toggle')).toBeHidden();
    await expect(item.locator('label')).toBeHidden();
    await expect(item.locator('.destroy')).toBeHidden();
  });

  test('should save edits on enter', async ({ page }) => {
    const editor = await startEditing(row(page, PLUMBER));
    await editor.fill('Thank the plumber');
    await editor.press('Enter');
    await expect(rows(page)).toHaveText([FERN, 'Thank the plumber', BUTTON]);
    await completedAre(page, false, false, false);
  });

  test('should save edits on blur', async ({ page }) => {
    const editor = await startEditing(row(page, PLUMBER));
    await editor.fill('Thank the plumber');
    await newTodo(page).click();
    await expect(rows(page)).toHaveText([FERN, 'Thank the plumber', BUTTON]);
    await completedAre(page, false, false, false);
  });

  test('should trim entered text', async ({ page }) => {
    await rename(page, PLUMBER, '    Thank the plumber   ');
    await shows(page, FERN, 'Thank the plumber', BUTTON);
    expect(await rows(page).nth(1).locator('label').textContent()).toBe('Thank the plumber');
  });

  test('should remove the item if an empty text string was entered', async ({ page }) => {
    await rename(page, PLUMBER, '');
    await expect(rows(page)).toHaveText([FERN, BUTTON]);
    await rename(page, FERN, '   ');
    await expect(rows(page)).toHaveText([BUTTON]);
  });

  test('should cancel edits on escape', async ({ page }) => {
    const editor = await startEditing(row(page, PLUMBER));
    await editor.fill('Forget the plumber');
    await editor.press('Escape');
    await expect(rows(page)).toHaveText([...TODOS]);
    await completedAre(page, false, false, false);
  });

  test('ends with a reload', async ({ page }) => {
    const editor = await startEditing(row(page, PLUMBER));
    await editor.fill('Never saved');
    await reload(page);
    await completedAre(page, false, false, false);
  });
});

test.describe('Counter', () => {
  test('should display the current number of todo items', async ({ page }) => {
    await addTodo(page, FERN);
    await expect(count(page)).toHaveText('1 item left');
    await addTodo(page, PLUMBER);
    await expect(count(page)).toHaveText('2 items left');
    await complete(page, FERN);
    await complete(page, PLUMBER);
    await expect(count(page)).toHaveText('0 items left');
    await expect(count(page).locator('strong')).toHaveText('0');
  });
});

test.describe('Clear completed button', () => {
  test.beforeEach(async ({ page }) => {
    await addTodo(page, ...TODOS);
    await complete(page, PLUMBER);
  });

  test('should display the correct text', async ({ page }) => {
    await expect(clearCompleted(page)).toHaveText('Clear completed');
  });

  test('should remove completed items when clicked', async ({ page }) => {
    await clearCompleted(page).click();
    await expect(rows(page)).toHaveText([FERN, BUTTON]);
  });

  test('should be hidden when there are no items that are completed', async ({ page }) => {
    await clearCompleted(page).click();
    await expect(clearCompleted(page)).toBeHidden();
  });
});

test.describe('Persistence', () => {
  test('should persist its data', async ({ page }) => {
    await addTodo(page, FERN, PLUMBER);
    await complete(page, PLUMBER);
    await waitSynced(page);
    await reload(page);
    await expect(rows(page)).toHaveText([FERN, PLUMBER]);
    await completedAre(page, false, true);
    await expect(count(page)).toHaveText('1 item left');
  });
});

test.describe('Routing', () => {
  test.beforeEach(async ({ page }) => {
    await addTodo(page, ...TODOS);
    await complete(page, PLUMBER);
  });

  test('should allow me to display active items', async ({ page }) => {
    await filter(page, 'Active').click();
    await expect(page).toHaveURL(/#\/active$/);
    await expect(rows(page)).toHaveText([FERN, BUTTON]);
  });

  test('should respect the back button', async ({ page }) => {
    await filter(page, 'Active').click();
    await expect(rows(page)).toHaveText([FERN, BUTTON]);
    await filter(page, 'Completed').click();
    await expect(rows(page)).toHaveText([PLUMBER]);
    await page.goBack();
    await expect(rows(page)).toHaveText([FERN, BUTTON]);
    await page.goBack();
    await expect(rows(page)).toHaveText([...TODOS]);
  });

  test('should allow me to display completed items', async ({ page }) => {
    await filter(page, 'Completed').click();
    await expect(page).toHaveURL(/#\/completed$/);
    await expect(rows(page)).toHaveText([PLUMBER]);
  });

  test('should allow me to display all items', async ({ page }) => {
    await filter(page, 'Active').click();
    await filter(page, 'Completed').click();
    await filter(page, 'All').click();
    await expect(page).toHaveURL(/#\/$/);
    await expect(rows(page)).toHaveText([...TODOS]);
  });

  test('should highlight the currently applied filter', async ({ page }) => {
    await expect(selected(page)).toHaveText(['All']);
    for (const name of ['Active', 'Completed', 'All']) {
      await filter(page, name).click();
      await expect(selected(page)).toHaveText([name]);
      await expect(selected(page)).toHaveClass('selected');
    }
  });

  test('keeps the filter over a reload', async ({ page }) => {
    await filter(page, 'Completed').click();
    await expect(rows(page)).toHaveText([PLUMBER]);
    await reload(page);
    await expect(page).toHaveURL(/#\/completed$/);
    await expect(selected(page)).toHaveText(['Completed']);
    await expect(rows(page)).toHaveText([PLUMBER]);
  });

  test('hides and shows an item that changes while a filter is applied', async ({ page }) => {
    await filter(page, 'Active').click();
    await row(page, FERN).locator('.toggle').click();
    await expect(rows(page)).toHaveText([BUTTON]);
    await filter(page, 'Completed').click();
    await expect(rows(page)).toHaveText([FERN, PLUMBER]);
    await row(page, PLUMBER).locator('.toggle').click();
    await expect(rows(page)).toHaveText([FERN]);
  });
});

test.describe('Rows out of view', () => {
  test('have their text for programs that read the page', async ({ page }) => {
    await writeMany(page, 'Todo', 50);
    await expect(rows(page)).toHaveCount(50);
    expect(await rows(page).last().innerText()).toBe('Todo 50');
  });
});
