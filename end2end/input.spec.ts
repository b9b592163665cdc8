// Unusual input, and invalid links.

import { addTodo, copyLink, listOf, openList, reload, rename, together, tokenOf } from './actions';
import { expect, test, type Page } from './fixtures';
import { newTodo, rows, shows, status, waitSynced } from './page';

const fits = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);

const TITLES = {
  'a title of 10,000 characters': 'settee'.repeat(1_666) + 'sofa',
  'emoji': '👩‍👩‍👧‍👦 🏳️‍🌈 ☕ 👍🏽 tea for all',
  'right-to-left text': 'לקנות חלב ולחם',
  'mixed directions': 'Read «مقدمة ابن خلدون» until page 40',
  'markup': '<script>alert(1)</script>',
  'an image with a handler': '<img src=x onerror=alert(1)>',
  'quotes and entities': '"&amp;" is \'&\' & nothing else \\ ${1} {{2}}',
  'combining marks': 'Z̸̢̛a̷̧͝l̶̡̕g̴̢̀o and ﷽',
};

for (const [name, title] of Object.entries(TITLES)) {
  test(`${name}: shown as plain text everywhere`, async ({ newPerson }) => {
    const { anna, bert } = await together(newPerson, 'Bread');
    for (const page of [anna, bert]) page.on('dialog', (dialog) => {
      throw new Error(`unexpected dialog: ${dialog.message()}`);
    });
    await addTodo(anna, title);
    await rename(bert, 'Bread', `${title}!`);
    await waitSynced(anna);
    await waitSynced(bert);
    await reload(bert);
    for (const page of [anna, bert]) {
      await expect(rows(page)).toHaveCount(2);
      await expect
        .poll(() => rows(page).locator('label').allTextContents())
        .toEqual([`${title}!`, title]);
      await expect(page.locator('.todo-list script, .todo-list img')).toHaveCount(0);
      expect(await fits(page), 'no horizontal scrolling').toBe(true);
    }
  });
}

test('white space alone adds nothing', async ({ page }) => {
  await openList(page);
  await addTodo(page, '', '   ', '\t', '\u00a0\u2003');
  await addTodo(page, 'Bread');
  await expect(rows(page)).toHaveText(['Bread']);
});

test('Enter that ends an input method\'s composition adds nothing', async ({ page }) => {
  await openList(page);
  await newTodo(page).fill('にほん');
  await newTodo(page).dispatchEvent('keydown', { key: 'Enter', keyCode: 229, isComposing: true });
  await expect(newTodo(page)).toHaveValue('にほん');
  await newTodo(page).press('Enter');
  await expect(rows(page)).toHaveText(['にほん']);
});

test('a link with a wrong token gives no access, and the status says so', async ({ newPerson }) => {
  const { anna, link } = await together(newPerson, 'Bread');
  const token = tokenOf(link);
  const wrong = (token[0] === 'A' ? 'B' : 'A') + token.slice(1);
  const eve = await newPerson();
  await eve.goto(`${listOf(link)}#k=${wrong}`);
  await expect(status(eve)).toHaveAttribute('data-sync', 'denied');
  await expect(status(eve)).not.toHaveText('');
  await expect(rows(eve)).toHaveCount(0);
  expect(eve.url()).not.toContain('k=');

  // A valid link still works.
  await eve.goto('about:blank');
  await openList(eve, link);
  await shows(eve, 'Bread');
  await waitSynced(anna);
});

test('a malformed link gives no access and doesn\'t break the page', async ({ newPerson }) => {
  const { link } = await together(newPerson, 'Bread');
  const malformed = [
    `${listOf(link)}#k=`,
    `${listOf(link)}#k=short`,
    `${listOf(link)}#k=${'A'.repeat(5_000)}`,
    `${listOf(link)}#k=%00%ff%E0%A4%A`,
    `/l/not-a-list#k=${tokenOf(link)}`,
    '/l/x',
  ];
  for (const address of malformed) {
    const eve = await newPerson();
    await eve.goto(address);
    await expect(status(eve), address).toHaveAttribute('data-sync', 'denied');
    await expect(eve.locator('#panic')).toBeHidden();
    await eve.context().close();
  }
});

test('a list that this device doesn\'t know needs a token, and the page says so', async ({ page }) => {
  await page.goto('/l/0123456789abcdefghjkmnpqrs');
  await expect(status(page)).toHaveAttribute('data-sync', 'denied');
  await expect(page.locator('main').first()).toContainText(/list/i);
  await expect(page.locator('main').first()).toContainText(/know|unknown|link/i);
  // The device's own list can still be opened.
  await openList(page, '/');
  await addTodo(page, 'Bread');
  await waitSynced(page);
});

test('a link with a wrong token to a list that the device can open changes nothing', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const link = await copyLink(page);
  await page.goto('about:blank');
  await page.goto(`${listOf(link)}#k=${'A'.repeat(43)}`);
  await shows(page, 'Bread');
  await openList(page, '/');
  await addTodo(page, 'Butter');
  await shows(page, 'Bread', 'Butter');
  await waitSynced(page);
});
