// A small touch screen.

import { addTodo, copyLink, openList } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, newTodo, row, rows, shows, waitSynced } from './page';

const scrollsHorizontally = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

/** All tap targets smaller than 24 by 24 CSS pixels. */
const tooSmall = (page: Page) =>
  page.evaluate(() => {
    const box = (element: Element) => element.getBoundingClientRect();
    const large = (element: Element) => box(element).width >= 24 && box(element).height >= 24;
    return [...document.querySelectorAll('a[href], button, summary, input:not([type=hidden]), select, textarea, [role=button]')]
      .filter((target) => target.checkVisibility({ visibilityProperty: true }))
      .filter((target) => {
        // A tap on a label works like a tap on its input.
        const labels = target instanceof HTMLInputElement ? [...(target.labels ?? [])] : [];
        return ![target, ...labels].some(large);
      })
      .map((target) => `${target.outerHTML.slice(0, 80)} is ${box(target).width} × ${box(target).height}`);
  });

test('a new device is offered to open a link that somebody has sent', async ({ page, newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  await openList(page);
  await action(page, 'offer-link').tap();
  await page.getByText('Open a link', { exact: true }).tap();
  await page.getByLabel('Paste a link').fill(link);
  await page.keyboard.press('Enter');
  await shows(page, 'Bread');
  // It isn't new any more.
  await expect(action(page, 'offer-link')).toBeHidden();
});

test('todos are added, completed and deleted by touch', async ({ page }) => {
  await openList(page);
  await newTodo(page).tap();
  await page.keyboard.type('Bread');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Butter');
  await page.keyboard.press('Enter');
  await shows(page, 'Bread', 'Butter');

  await row(page, 'Bread').locator('.toggle').tap();
  await expect(row(page, 'Bread')).toHaveClass('completed');
  await row(page, 'Bread').locator('.toggle').tap();
  await expect(row(page, 'Bread')).toHaveClass('');

  // Without a mouse to hover, the button is always visible.
  await row(page, 'Bread').locator('.destroy').tap();
  await shows(page, 'Butter');

  await row(page, 'Butter').locator('.toggle').tap();
  await page.locator('.filters a', { hasText: 'Completed' }).tap();
  await shows(page, 'Butter');
  await page.locator('.clear-completed').tap();
  await expect(rows(page)).toHaveCount(0);
  await waitSynced(page);
});

test('the lists are opened and a new one is made by touch', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await action(page, 'open-lists').tap();
  await expect(page.locator('nav.lists')).toBeVisible();
  await action(page, 'new-list').tap();
  await expect(page).toHaveURL(/\/l\/[0-9a-z]{26}/);
  await expect(rows(page)).toHaveCount(0);
});

test('a phone and a desktop share a list', async ({ page, newPerson }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const link = await copyLink(page);
  const desktop = await newPerson({
    viewport: { width: 1280, height: 800 }, hasTouch: false, isMobile: false,
  });
  await openList(desktop, link);
  await shows(desktop, 'Bread');
  await addTodo(desktop, 'Butter');
  await shows(page, 'Bread', 'Butter');
  await row(page, 'Butter').locator('.toggle').tap();
  await expect(row(desktop, 'Butter')).toHaveClass('completed');
});

for (const width of [320, 412]) {
  test(`nothing scrolls horizontally and every tap target is large enough at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 640 });
    await openList(page);
    expect(await scrollsHorizontally(page), 'empty').toBe(false);
    await addTodo(
      page,
      'Bread',
      'A sentence that is a good deal longer than what fits on one line of a narrow screen',
      'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
    );
    await row(page, 'Bread').locator('.toggle').tap();
    expect(await scrollsHorizontally(page), 'filled').toBe(false);
    expect(await tooSmall(page), 'filled').toEqual([]);

    await action(page, 'open-lists').tap();
    await expect(page.locator('nav.lists')).toBeVisible();
    expect(await scrollsHorizontally(page), 'with the lists open').toBe(false);
    expect(await tooSmall(page), 'with the lists open').toEqual([]);
  });
}

test('the font of the text field is large enough that phones don\'t zoom', async ({ page }) => {
  await openList(page);
  const size = await newTodo(page).evaluate((input) => parseFloat(getComputedStyle(input).fontSize));
  expect(size).toBeGreaterThanOrEqual(16);
});
