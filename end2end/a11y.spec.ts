// Accessibility: axe's rules, and use by keyboard alone.

import AxeBuilder from '@axe-core/playwright';
import { addTodo, complete, copied, copyLink, invite, openList, person, startEditing } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, newTodo, row, rows, shows, status, waitOffline, waitSynced } from './page';
import type { Locator } from '@playwright/test';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** On phones the lists are in a drawer. */
async function showLists(page: Page): Promise<void> {
  await expect(page.locator('.menu, nav.lists li').filter({ visible: true }).first()).toBeVisible();
  if (await action(page, 'open-lists').isVisible()) await action(page, 'open-lists').click();
}

/** The violations that axe finds, in a short form for the test report. */
async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  return violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`),
  );
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`axe finds nothing in ${colorScheme}`, () => {
    test.beforeEach(async ({ page }) => {
      // Without animations, as axe would measure colours in the middle of a fade.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await openList(page);
    });

    test('on an empty list', async ({ page }) => {
      expect(await violations(page)).toEqual([]);
    });

    test('on a filled list', async ({ page }) => {
      await addTodo(page, 'Bread', 'Butter', 'Jam');
      await complete(page, 'Butter');
      await waitSynced(page);
      expect(await violations(page)).toEqual([]);
      await page.locator('.filters a', { hasText: 'Completed' }).click();
      await shows(page, 'Butter');
      expect(await violations(page)).toEqual([]);
    });

    test('while editing', async ({ page }) => {
      await addTodo(page, 'Bread', 'Butter');
      await startEditing(row(page, 'Butter'));
      expect(await violations(page)).toEqual([]);
    });

    test('offline, with pending changes', async ({ page, server }) => {
      await addTodo(page, 'Bread');
      await waitSynced(page);
      await server.kill();
      await addTodo(page, 'Butter');
      await waitOffline(page);
      expect(await violations(page)).toEqual([]);
    });

    test('on a list without access', async ({ page }) => {
      await page.goto('/l/0123456789abcdefghjkmnpqrs');
      await expect(status(page)).toHaveAttribute('data-sync', 'denied');
      expect(await violations(page)).toEqual([]);
    });

    test('for a viewer', async ({ page, newPerson }) => {
      await addTodo(page, 'Bread', 'Butter');
      await complete(page, 'Bread');
      await waitSynced(page);
      const link = await copyLink(page, 'copy-viewer-link');
      const vera = await newPerson({ colorScheme, reducedMotion: 'reduce' });
      await openList(vera, link);
      await shows(vera, 'Bread', 'Butter');
      expect(await violations(vera)).toEqual([]);
    });

    test('in the share dialog, and on a list without access any more', async ({ page, newPerson }) => {
      await addTodo(page, 'Bread');
      await action(page, 'share').click();
      const link = await invite(page, 'Bert');
      await invite(page, 'Vera', 'viewer');
      const bert = await newPerson({ colorScheme, reducedMotion: 'reduce' });
      await openList(bert, link);
      await shows(bert, 'Bread');
      await person(page, 'Vera').locator('[data-action="show-code"]').click();
      await expect(page.locator('.code svg')).toBeVisible();
      await page.getByText('shouldn’t have it').click();
      for (const name of ['Bert', 'Vera']) {
        await person(page, name).locator('[data-action="remove-access"]').click();
        expect(await violations(page)).toEqual([]);
      }
      await person(page, 'Bert').locator('[data-action="confirm-remove-access"]').click();
      await expect(bert.locator('[data-link="revoked"]')).toBeVisible();
      expect(await violations(page)).toEqual([]);
      expect(await violations(bert)).toEqual([]);
    });

    test('in the dialog for other devices, and on one that has opened their link', async ({ page, newPerson }) => {
      await showLists(page);
      await action(page, 'devices').click();
      await page.locator('dialog[open] [data-action="show-code"]').click();
      await expect(page.locator('dialog[open] .code svg')).toBeVisible();
      expect(await violations(page)).toEqual([]);
      const link = await copied(page, action(page, 'copy-devices-link'));
      const other = await newPerson({ colorScheme, reducedMotion: 'reduce' });
      await openList(other, link);
      await expect(other.locator('[data-link="joined-home"]')).toBeVisible();
      expect(await violations(other)).toEqual([]);
    });

    test('in the dialog that sends todos to another list', async ({ page }) => {
      await showLists(page);
      await action(page, 'new-list').click();
      await expect(page).toHaveURL(/\/l\//);
      await addTodo(page, 'Tent');
      await showLists(page);
      await page.locator('.lists [aria-current="page"] ~ [data-action="list-menu"]').click();
      await action(page, 'transfer').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Tent').check();
      expect(await violations(page)).toEqual([]);
      await action(page, 'move-todos').click();
      await expect(dialog.getByRole('status')).toContainText('1 todo moved');
      expect(await violations(page)).toEqual([]);
    });

    test('with the lists open on a narrow screen', async ({ page }) => {
      await page.setViewportSize({ width: 320, height: 640 });
      await page.locator('[data-action="open-lists"]').click();
      await expect(page.locator('nav.lists')).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });

    test('in what is done with lists, and in the dialog before one is removed', async ({ page }) => {
      await showLists(page);
      await action(page, 'new-list').click();
      await showLists(page);
      const list = page.locator('nav.lists li', { hasText: 'New list' });
      await list.locator('.more').click();
      await expect(action(page, 'forget-list')).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await action(page, 'forget-list').click();
      await expect(page.getByRole('dialog')).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await action(page, 'keep-list').click();
      await page.getByText('Open a link').click();
      await page.getByLabel('Paste a link that you were sent').press('Enter');
      await expect(page.getByText('There is no link in this')).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });
  });
}

test.describe('By keyboard alone', { tag: '@keyboard' }, () => {
  /** Presses Tab until the target has the focus. */
  async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab') {
    for (let steps = 0; steps < 60; steps++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press(key);
    }
    throw new Error(`${target} can't be reached by ${key}`);
  }
  const keepsFocus = (page: Page) =>
    expect
      .poll(() => page.evaluate(() => document.activeElement !== document.body), {
        message: 'the focus is not lost',
      })
      .toBe(true);

  test('adding, completing, editing and deleting never lose the focus', async ({ page }) => {
    await openList(page);
    await expect(newTodo(page)).toBeFocused();
    await page.keyboard.type('Bread');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Butter');
    await page.keyboard.press('Enter');
    await shows(page, 'Bread', 'Butter');

    const bread = rows(page).nth(0);
    await tabTo(page, bread.locator('.toggle'));
    await page.keyboard.press('Space');
    await expect(bread).toHaveClass('completed');

    // F2 edits the focused row.
    await page.keyboard.press('F2');
    await expect(bread.locator('.edit')).toBeFocused();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Rye bread');
    await page.keyboard.press('Enter');
    await shows(page, 'Rye bread', 'Butter');
    await keepsFocus(page);

    await tabTo(page, bread.locator('.toggle'), 'Shift+Tab');
    await page.keyboard.press('F2');
    await page.keyboard.type(' that is never saved');
    await page.keyboard.press('Escape');
    await shows(page, 'Rye bread', 'Butter');
    await keepsFocus(page);

    await tabTo(page, rows(page).nth(1).locator('.destroy'));
    await expect(rows(page).nth(1).locator('.destroy')).toBeVisible();
    await page.keyboard.press('Enter');
    await shows(page, 'Rye bread');
    await keepsFocus(page);

    await tabTo(page, page.locator('.filters a', { hasText: 'Active' }));
    await page.keyboard.press('Enter');
    await shows(page);
    await tabTo(page, page.locator('.clear-completed'));
    await page.keyboard.press('Enter');
    await expect(page.locator('.todo-list li')).toHaveCount(0);
    await keepsFocus(page);
  });

  test('the focus is visible on every element', async ({ page }) => {
    await openList(page);
    await addTodo(page, 'Bread');
    await complete(page, 'Bread');
    await page.keyboard.press('Tab');
    const invisible: string[] = [];
    for (let steps = 0; steps < 25; steps++) {
      invisible.push(
        ...(await page.evaluate(() => {
          const focused = document.activeElement!;
          if (focused === document.body) return [];
          const style = getComputedStyle(focused);
          const drawn =
            (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) ||
            style.boxShadow !== 'none' ||
            // A checkbox may let its label show the focus.
            [...((focused as HTMLInputElement).labels ?? [])].some(
              (label) => getComputedStyle(label).outlineStyle !== 'none',
            );
          return drawn ? [] : [focused.outerHTML.slice(0, 80)];
        })),
      );
      await page.keyboard.press('Tab');
    }
    expect([...new Set(invisible)]).toEqual([]);
  });

  test('the status is a live region from the start', async ({ page }) => {
    await openList(page);
    await expect(status(page)).toHaveCount(1);
    await expect(status(page)).toHaveAttribute('role', 'status');
  });
});
