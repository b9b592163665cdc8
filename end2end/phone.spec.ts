// A small screen and a finger.

import {
  action, addTodo, copyLink, expect, newTodo, openList, row, rows, shows, test, waitSynced,
  type Page,
} from './fixtures';

const scrollsSideways = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

/** Everything one can tap that is smaller than 24 by 24 CSS pixels. */
const tooSmall = (page: Page) =>
  page.evaluate(() => {
    const box = (element: Element) => element.getBoundingClientRect();
    const large = (element: Element) => box(element).width >= 24 && box(element).height >= 24;
    return [...document.querySelectorAll('a[href], button, summary, input:not([type=hidden]), select, textarea, [role=button]')]
      .filter((target) => target.checkVisibility({ visibilityProperty: true }))
      .filter((target) => {
        // A label belongs to its input: tapping it is the same.
        const labels = target instanceof HTMLInputElement ? [...(target.labels ?? [])] : [];
        return ![target, ...labels].some(large);
      })
      .map((target) => `${target.outerHTML.slice(0, 80)} is ${box(target).width} × ${box(target).height}`);
  });

test('a finger adds, completes and deletes', async ({ page }) => {
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

  // No mouse that could hover: the button is there at once.
  await row(page, 'Bread').locator('.destroy').tap();
  await shows(page, 'Butter');

  await row(page, 'Butter').locator('.toggle').tap();
  await page.locator('.filters a', { hasText: 'Completed' }).tap();
  await shows(page, 'Butter');
  await page.locator('.clear-completed').tap();
  await expect(rows(page)).toHaveCount(0);
  await waitSynced(page);
});

test('a finger opens the lists, and makes a new one', async ({ page }) => {
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
  test(`nothing scrolls sideways and every target is large enough at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 640 });
    await openList(page);
    expect(await scrollsSideways(page), 'empty').toBe(false);
    await addTodo(
      page,
      'Bread',
      'A sentence that is a good deal longer than what fits on one line of a narrow screen',
      'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
    );
    await row(page, 'Bread').locator('.toggle').tap();
    expect(await scrollsSideways(page), 'filled').toBe(false);
    expect(await tooSmall(page), 'filled').toEqual([]);

    await action(page, 'open-lists').tap();
    await expect(page.locator('nav.lists')).toBeVisible();
    expect(await scrollsSideways(page), 'with the lists open').toBe(false);
    expect(await tooSmall(page), 'with the lists open').toEqual([]);
  });
}

test('the text field does not make the phone zoom', async ({ page }) => {
  await openList(page);
  const size = await newTodo(page).evaluate((input) => parseFloat(getComputedStyle(input).fontSize));
  expect(size).toBeGreaterThanOrEqual(16);
});
