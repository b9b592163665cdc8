// Lists of many todos.

import { expect, type Page } from '@playwright/test';
import { addTodo, copyLink, openList, remove } from '../actions';
import { waitSynced } from '../page';

/** Makes a list of this many todos on the server. Returns a link to it. */
export async function makeList(page: Page, count: number): Promise<string> {
  await openList(page);
  const link = await copyLink(page);
  if (count === 0) {
    // A list reaches the server with its first change.
    await addTodo(page, 'A todo');
    await remove(page, 'A todo');
    await waitSynced(page);
  }
  // What one commit holds.
  const most = 10_000;
  for (let made = 0; made < count; made += most) {
    const lines = Array.from({ length: Math.min(most, count - made) }, (_, n) => `Todo number ${made + n + 1} of a list`);
    await paste(page, lines.join('\n'));
    await total(page, made + lines.length);
    await waitSynced(page);
  }
  return link;
}

/** Waits until the list has this many todos, none of which is completed. */
export const total = (page: Page, count: number): Promise<void> =>
  expect(page.locator('.todo-count strong')).toHaveText(String(count), { timeout: 300_000 });

const paste = (page: Page, text: string): Promise<void> =>
  page.evaluate((text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', text);
    const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
    document.querySelector('.new-todo')!.dispatchEvent(event);
  }, text);
