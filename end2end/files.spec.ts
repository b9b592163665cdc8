// Lists are saved as files, and files become lists.

import { readFile } from 'node:fs/promises';
import { addTodo, complete, openList, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, row, shows, waitSynced } from './page';

/** Saves the list on the screen, and returns the file's name and its text. */
async function save(page: Page, format: string): Promise<{ name: string; text: string }> {
  await page.locator('nav.lists li:has([aria-current]) .more').click();
  await action(page, 'save-list').click();
  const [download] = await Promise.all([page.waitForEvent('download'), action(page, format).click()]);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

const choose = (page: Page, name: string, text: string): Promise<void> =>
  page.getByLabel('Open a file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

test('a list is saved in each form, and each becomes a list again', async ({ page }) => {
  await openList(page);
  await page.getByLabel('Name of this list').fill('Trip: Alps');
  await page.getByLabel('Name of this list').press('Enter');
  await addTodo(page, 'Book the hut', 'Say "hello", twice', '=1+1');
  await complete(page, 'Book the hut');
  await waitSynced(page);
  const endings = { md: '- [x] Book the hut', txt: '☑ Book the hut', csv: 'Book the hut,x', json: '"settee":1' };
  for (const [format, expected] of Object.entries(endings)) {
    const { name, text } = await save(page, format);
    expect(name).toBe(`Trip Alps.${format}`);
    expect(text).toContain(expected);
    await choose(page, `Copy ${format}.${format}`, text);
    await expect(page).toHaveURL(/\/l\//);
    await shows(page, 'Book the hut', 'Say "hello", twice', '=1+1');
    await expect(row(page, 'Book the hut')).toHaveClass('completed');
    // A table doesn't say what its list is called, so the file does.
    await expect(page.getByLabel('Name of this list')).toHaveValue(format === 'csv' ? 'Copy csv' : 'Trip: Alps');
    await waitSynced(page);
    await page.goto('/');
    await shows(page, 'Book the hut', 'Say "hello", twice', '=1+1');
  }
  await expect(page.locator('nav.lists li')).toHaveCount(5);
});

test('a file becomes a list offline, and one that is no list is explained', async ({ newPerson, goOffline, goOnline }) => {
  const { anna } = await together(newPerson, 'Bread');
  await goOffline(anna);
  for (const [text, reason] of [['', 'nothing in this file'], ['{"a": 1}', 'no list that Settee']] as const) {
    await choose(anna, 'odd.json', text);
    await expect(anna.locator('#file-complaint')).toContainText(reason);
  }
  await shows(anna, 'Bread');
  await choose(anna, 'Keep.json', '{"title":"Food","listContent":[{"text":"Milk","isChecked":true},{"text":"Eggs"}]}');
  await shows(anna, 'Milk', 'Eggs');
  await expect(row(anna, 'Milk')).toHaveClass('completed');
  await goOnline(anna);
  await waitSynced(anna);
});

test('on a phone the question in which form stands over the lists', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openList(page);
  await addTodo(page, 'Bread');
  await action(page, 'open-lists').click();
  expect((await save(page, 'txt')).text).toBe('☐ Bread\n');
});
