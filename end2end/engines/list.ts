// A list on a page: what is shown, waiting until it is shown, and what people do with it.

import { expect } from '@playwright/test';
import { RECOVERY_TIMEOUT } from '../page';
import { CONTROL, ENTER, type Element, type Page } from './webdriver';

const waits = { timeout: RECOVERY_TIMEOUT, intervals: [20, 50, 100] };

/** The rows that are shown, as `[x] title` if they are completed, and `[ ] title` otherwise. */
const rows = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('.todo-list li')]
      .filter((row) => row.checkVisibility())
      .map((row) => `${row.classList.contains('completed') ? '[x]' : '[ ]'} ${row.querySelector('label')!.textContent}`),
  );

/** Waits until exactly these rows are shown, in this order. */
export const shows = (page: Page, ...expected: string[]): Promise<void> =>
  expect.poll(() => rows(page), { message: 'the rows', ...waits }).toEqual(expected);

/** Waits until the page has an element like this. */
export const has = (page: Page, css: string): Promise<void> =>
  expect
    .poll(() => page.evaluate((css) => document.querySelector(css) !== null, css), { message: css, ...waits })
    .toBe(true);

/** Waits until an element has this text. */
export const says = (page: Page, css: string, expected: string): Promise<void> =>
  expect
    .poll(() => page.evaluate((css) => document.querySelector<HTMLElement>(css)?.innerText, css), { message: css, ...waits })
    .toBe(expected);

/** Opens a list and waits until it can be used. */
export async function openList(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await has(page, 'body[data-ready]');
}

/** Reloads as people do. WebDriver's own command passes by the service worker in Firefox. */
export async function reload(page: Page): Promise<void> {
  const loaded = () => page.evaluate(() => performance.timeOrigin);
  const before = await loaded();
  await page.evaluate(() => void setTimeout(() => location.reload()));
  // A page that is being left can't answer.
  const reloaded = () => loaded().catch(() => before);
  await expect.poll(reloaded, { message: 'the page is loaded again', ...waits }).not.toBe(before);
  await has(page, 'body[data-ready]');
}

/** Waits until everything on this page has been acknowledged by the server. */
export async function waitSynced(page: Page): Promise<void> {
  // An edit is counted as pending in the next frame at the latest.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await has(page, '[data-sync="synced"][data-pending="0"]');
}

/** Lets an offline page connect now. By itself, it waits the longer, the longer it has been offline. */
export const retry = (page: Page): Promise<void> =>
  page.evaluate(() => document.querySelector<HTMLElement>('[data-action="retry"]')?.click());

/** Waits until the service worker is installed, so that the page opens without a server. */
export const waitInstalled = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });

export async function addTodo(page: Page, ...titles: string[]): Promise<void> {
  for (const title of titles) await page.type('.new-todo', title + ENTER);
}

/** Finds a part of the row with this title. */
const inRow = (page: Page, title: string, css: string) => () =>
  page.evaluate(
    (title, css) => {
      const rows = [...document.querySelectorAll('.todo-list li')];
      return rows.find((row) => row.querySelector('label')!.textContent === title)!.querySelector(css);
    },
    title,
    css,
  ) as Promise<unknown> as Promise<Element>;

export const toggle = (page: Page, title: string): Promise<void> => page.click(inRow(page, title, '.toggle'));

/** Opens the editor of a row with a double click on its title, and types over all of its text. */
export async function rename(page: Page, from: string, to: string): Promise<void> {
  const editor = '.todo-list li.editing .edit';
  const isEditing = () => page.evaluate((css) => document.activeElement?.matches(css), editor);
  // A busy machine can be too slow for two clicks to count as a double click.
  const edits = async () => {
    if (!(await isEditing())) await page.doubleClick(inRow(page, from, 'label'));
    return isEditing();
  };
  await expect.poll(edits, { message: `the editor of ${from}`, ...waits }).toBe(true);
  await page.type(editor, `${CONTROL}a`);
  await page.type(editor, to + ENTER);
}

/** Copies an invitation link, and pastes it where its text can be read. */
export async function copyLink(page: Page): Promise<string> {
  await page.click('[data-action="share"]');
  await page.click('[data-action="copy-link"]');
  await page.click('[data-action="close-share"]');
  await page.type('.new-todo', `${CONTROL}v`);
  const pasted = () => page.evaluate(() => document.querySelector<HTMLInputElement>('.new-todo')!.value);
  await expect.poll(pasted, { message: 'a link on the clipboard', ...waits }).toContain('#k=');
  const link = await pasted();
  await page.type('.new-todo', `${CONTROL}ax`);
  return link;
}
