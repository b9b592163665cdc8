// What people do on the page.

import { expect, type Locator, type Page } from '@playwright/test';
import { action, isReady, newTodo, row, shows, waitSynced } from './page';

/** Opens a list and waits until it can be used. */
export async function openList(page: Page, address = '/'): Promise<void> {
  await page.goto(address);
  await isReady(page);
}

export async function reload(page: Page): Promise<void> {
  await page.reload();
  await isReady(page);
}

export async function newTab(page: Page, address = page.url()): Promise<Page> {
  const tab = await page.context().newPage();
  await openList(tab, address);
  return tab;
}

export async function addTodo(page: Page, ...added: string[]): Promise<void> {
  for (const title of added) {
    await newTodo(page).fill(title);
    await newTodo(page).press('Enter');
  }
}

/** Opens the editor of a row with a double click on its title, as in TodoMVC. */
export async function startEditing(item: Locator): Promise<Locator> {
  await item.locator('label').dblclick();
  const page = item.page();
  const editor = page.locator('.todo-list li.editing .edit');
  await expect(editor).toBeVisible();
  return editor;
}

export async function rename(page: Page, from: string, to: string): Promise<void> {
  const editor = await startEditing(row(page, from));
  await editor.fill(to);
  await editor.press('Enter');
}

export const complete = (page: Page, title: string): Promise<void> =>
  row(page, title).locator('.toggle').check();

export async function remove(page: Page, title: string): Promise<void> {
  await row(page, title).hover();
  await row(page, title).locator('.destroy').click();
}

/** Copies an invitation link to the current list, and reads it from the clipboard. */
export async function copyLink(page: Page, which: 'copy-link' | 'copy-helper-link' | 'copy-viewer-link' = 'copy-link') {
  await action(page, 'share').click();
  const link = await copied(page, action(page, which));
  await action(page, 'close-share').click();
  return link;
}

/** All secrets of links that this worker's tests have copied. No server may keep or write one. */
export const secrets = new Set<string>();

/** Presses a button that copies a link, and reads it from the clipboard. */
export async function copied(page: Page, button: Locator): Promise<string> {
  await page.bringToFront();
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await button.click();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(clipboard, { message: 'a link on the clipboard' }).toMatch(/#[kd]=/);
  const link = await clipboard();
  secrets.add(tokenOf(link));
  return link;
}

/** Invites somebody from the open dialog, and returns their link. */
export async function invite(page: Page, name: string, role: 'editor' | 'helper' | 'viewer' = 'editor'): Promise<string> {
  await page.getByLabel('Invite one person').fill(name);
  await page.getByLabel('What they can do').selectOption(role);
  await action(page, 'invite').click();
  return copied(page, person(page, name).locator('[data-action="copy-invitation"]'));
}

/** Says what others on the list are to call whoever is on the page. */
export async function callThemselves(page: Page, name: string): Promise<void> {
  await action(page, 'share').click();
  const field = page.getByLabel('Your name');
  await field.fill(name);
  await field.press('Tab');
  await action(page, 'close-share').click();
}

/** The row of somebody who was invited. */
export const person = (page: Page, name: string): Locator =>
  page.locator('.people li').filter({ hasText: name });

export const listOf = (link: string): string => new URL(link).pathname;
export const tokenOf = (link: string): string => new URL(link).hash.replace(/^#[kd]=/, '');

/** Two people on one list: the first has made it, the second has opened a link to it. */
export async function together(newPerson: () => Promise<Page>, ...todos: string[]) {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, ...todos);
  await waitSynced(anna);
  const link = await copyLink(anna);
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, ...todos);
  return { anna, bert, link };
}

/**
 * Adds todos named `prefix 1` to `prefix N` from inside the page, one in each frame. This is faster
 * than typing, and continues whatever happens to the server.
 */
export const writeMany = (page: Page, prefix: string, count: number): Promise<void> =>
  page.evaluate(
    async ([prefix, count]) => {
      const input = document.querySelector<HTMLInputElement>('.new-todo')!;
      for (let n = 1; n <= Number(count); n++) {
        input.value = `${prefix} ${n}`;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        for (const kind of ['keydown', 'keypress', 'keyup']) {
          input.dispatchEvent(
            new KeyboardEvent(kind, { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true, cancelable: true }),
          );
        }
        await new Promise(requestAnimationFrame);
      }
    },
    [prefix, count] as const,
  );
