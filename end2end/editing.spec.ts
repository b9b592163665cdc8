// An edit is ended by its person alone, and overwrites nothing that its person didn't see.

import { addTodo, complete, copyLink, openList, remove, rename, startEditing, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { agree, newTodo, row, rows, shows, waitSynced } from './page';
import { CLOSED, DOWNGRADED, OPENED, ROLES, decode, encode } from './wire';

/** Lets a test decide which role the server grants a page. Call it before the page is opened. */
async function interceptRoles(page: Page): Promise<(role: keyof typeof ROLES) => void> {
  let role: keyof typeof ROLES = 'editor';
  let close = () => {};
  await page.routeWebSocket(/\/sync$/, (client) => {
    const server = client.connectToServer();
    server.onMessage((message) => {
      const frame = decode(message);
      if (frame[0] === OPENED) {
        const channel = frame[1].get(0)!;
        frame[1].set(1, ROLES[role]);
        close = () => {
          client.send(encode([CLOSED, new Map([[0, channel], [1, DOWNGRADED], [2, 'changed']])]));
        };
      }
      client.send(frame[0] === OPENED ? encode(frame) : message);
    });
  });
  return (granted) => {
    role = granted;
    close();
  };
}

/** The titles of all rows in their order, also of those that are hidden by an open field. */
const order = (page: Page, ...titles: string[]): Promise<void> =>
  expect(page.locator('.todo-list li label')).toHaveText(titles);

async function moveUp(page: Page, title: string): Promise<void> {
  await row(page, title).locator('.toggle').focus();
  await page.keyboard.press('Alt+ArrowUp');
}

test('what others save while a field is open is a conflict, and overwritten by nobody', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk');
  const editor = await startEditing(row(anna, 'Milk'));
  await editor.fill('Oat milk');
  await rename(bert, 'Milk', 'Soy milk');
  await order(anna, 'Soy milk');
  await editor.press('Enter');
  for (const page of [anna, bert]) {
    const notice = rows(page).locator('.notice');
    await expect(notice).toContainText('Two people changed the text');
    await expect(notice).toContainText('Oat milk');
    await expect(notice).toContainText('Soy milk');
  }
  await agree(anna, bert);
});

test('what others change beside the title stays, without a conflict', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs');
  const editor = await startEditing(row(anna, 'Milk'));
  await editor.fill('Oat milk');
  await complete(bert, 'Milk');
  await moveUp(bert, 'Eggs');
  await order(anna, 'Eggs', 'Milk');
  await editor.press('Enter');
  for (const page of [anna, bert]) {
    await shows(page, 'Eggs', 'Oat milk');
    await expect(rows(page)).toHaveClass(['', 'completed']);
    await expect(rows(page).locator('.notice')).toHaveCount(0);
  }
});

test('a field whose row is moved by others stays open, with its focus, caret and text', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs', 'Salt');
  const editor = await startEditing(row(anna, 'Salt'));
  await editor.fill('Sea sa');
  await anna.keyboard.press('ArrowLeft');
  await anna.keyboard.press('ArrowLeft');
  // Its own row passes others, and others pass it.
  await moveUp(bert, 'Salt');
  await order(anna, 'Milk', 'Salt', 'Eggs');
  await moveUp(bert, 'Salt');
  await order(anna, 'Salt', 'Milk', 'Eggs');
  await moveUp(bert, 'Milk');
  await order(anna, 'Milk', 'Salt', 'Eggs');
  await expect(editor).toBeFocused();
  await anna.keyboard.type('lt, ');
  await expect(editor).toHaveValue('Sea lt, sa');
  await order(bert, 'Milk', 'Salt', 'Eggs');
  await editor.fill('Sea salt');
  await editor.press('Enter');
  await shows(bert, 'Milk', 'Sea salt', 'Eggs');
});

test('a focused box keeps the focus while others move rows, and passes it on when its row goes', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs', 'Salt');
  const box = (title: string) => row(anna, title).locator('.toggle');
  await box('Salt').focus();
  await moveUp(bert, 'Salt');
  await order(anna, 'Milk', 'Salt', 'Eggs');
  await expect(box('Salt')).toBeFocused();
  await moveUp(bert, 'Salt');
  await moveUp(bert, 'Eggs');
  await order(anna, 'Salt', 'Eggs', 'Milk');
  await expect(box('Salt')).toBeFocused();
  await remove(bert, 'Salt');
  await order(anna, 'Eggs', 'Milk');
  await expect(box('Eggs')).toBeFocused();
});

test('a row that others delete while its field is open is kept, with both told', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs');
  const editor = await startEditing(row(anna, 'Milk'));
  await editor.fill('Oat milk');
  await remove(bert, 'Milk');
  await shows(bert, 'Eggs');
  await addTodo(bert, 'Salt');
  await expect(anna.locator('.todo-list li label').filter({ hasText: 'Salt' })).toBeAttached();
  await expect(editor).toBeFocused();
  await shows(bert, 'Eggs', 'Salt');
  await editor.press('Enter');
  for (const page of [anna, bert]) {
    await shows(page, 'Oat milk', 'Eggs', 'Salt');
    await expect(rows(page).locator('.notice')).toContainText(/deleted/i);
  }
});

test('a draft outlives the right to edit, and goes on when that is back', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Milk');
  await waitSynced(anna);
  const bert = await newPerson();
  const grant = await interceptRoles(bert);
  await openList(bert, await copyLink(anna));
  await shows(bert, 'Milk');
  await waitSynced(bert);
  await newTodo(bert).fill('Eggs and');
  const editor = await startEditing(row(bert, 'Milk'));
  await editor.fill('Oat mi');

  grant('viewer');
  await expect(bert.locator('body[data-role="viewer"]')).toBeAttached();
  // The row is the same one: it has the focus, and what is typed.
  await expect(editor).toHaveValue('Oat mi');
  await expect(editor).toBeFocused();
  await expect(editor).not.toBeEditable();
  await editor.press('Enter');
  await expect(row(bert, 'Milk').locator('.toggle')).toBeDisabled();
  await expect(row(bert, 'Milk').locator('.view')).toBeVisible();
  await expect(bert.getByText('Not saved, for you may not edit this now')).toBeVisible();
  await expect(newTodo(bert)).toHaveValue('Eggs and');
  await expect(newTodo(bert)).not.toBeEditable();

  grant('editor');
  await expect(bert.locator('body[data-role="editor"]')).toBeAttached();
  await expect(editor).toHaveValue('Oat mi');
  await expect(editor).toBeFocused();
  await expect(editor).toBeEditable();
  await shows(anna, 'Milk');
  await bert.keyboard.type('lk');
  await bert.keyboard.press('Enter');
  await shows(anna, 'Oat milk');
  await newTodo(bert).press('Enter');
  await shows(anna, 'Oat milk', 'Eggs and');
});

test('the last own step is undone or it is said why not, and nothing else is touched', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk');
  await addTodo(anna, 'Other', 'Version 0');
  await rename(anna, 'Version 0', 'Version 1');
  await rename(bert, 'Version 1', 'Version 2');
  await shows(anna, 'Milk', 'Other', 'Version 2');
  await row(anna, 'Milk').locator('.toggle').focus();
  await anna.keyboard.press('Control+z');
  await expect(anna.getByText('changed by somebody else')).toBeVisible();
  await shows(anna, 'Milk', 'Other', 'Version 2');
  await anna.keyboard.press('Control+z');
  await expect(anna.getByText('changed by somebody else')).toBeVisible();
  await anna.keyboard.press('Control+z');
  for (const page of [anna, bert]) await shows(page, 'Milk', 'Version 2');
});

test('a key undoes what the field has just added, and is the field\'s own once something is typed', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread', 'Butter');
  await expect(newTodo(page)).toBeFocused();
  await page.keyboard.press('Control+z');
  await shows(page, 'Bread');
  await page.keyboard.type('Jam');
  await page.keyboard.press('Control+z');
  await shows(page, 'Bread');
});

test('shortcuts work on layouts that aren\'t Latin', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread', 'Butter');
  const press = (shiftKey: boolean) =>
    row(page, 'Bread').locator('.toggle').dispatchEvent('keydown', {
      key: shiftKey ? 'Я' : 'я', code: 'KeyZ', ctrlKey: true, shiftKey, bubbles: true, cancelable: true,
    });
  await press(false);
  await shows(page, 'Bread');
  await press(true);
  await shows(page, 'Bread', 'Butter');
});

test('several pasted lines become several todos, and one step to undo', async ({ page }) => {
  await openList(page);
  await newTodo(page).fill('Bread');
  await page.evaluate(() => navigator.clipboard.writeText(' and rye\r\n\n  Eggs \nSalt\n'));
  await newTodo(page).press('End');
  await newTodo(page).press('Control+v');
  await shows(page, 'Bread and rye', 'Eggs', 'Salt');
  await expect(newTodo(page)).toHaveValue('');
  await page.keyboard.press('Control+z');
  await expect(rows(page)).toHaveCount(0);
  await page.evaluate(() => navigator.clipboard.writeText('Milk\n'));
  await newTodo(page).press('Control+v');
  await expect(newTodo(page)).toHaveValue('Milk');
});

test('the button that clears completed todos stays in the page', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await expect(page.locator('.clear-completed')).toBeAttached();
  await expect(page.locator('.clear-completed')).toBeHidden();
  await complete(page, 'Bread');
  await expect(page.locator('.clear-completed')).toBeVisible();
});
