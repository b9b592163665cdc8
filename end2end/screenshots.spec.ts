import { devices, type BrowserContextOptions } from '@playwright/test';
import { join } from 'node:path';
import { addTodo, callThemselves, complete, copyLink, invite, openList, person, rename } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, row, rows, shows, status, waitOffline, waitSynced } from './page';

const picture = async (page: Page, name: string) => {
  // Nothing is hovered, and no caret and no animation is shown.
  await page.mouse.move(0, 0);
  await page.screenshot({
    path: join(import.meta.dirname, '../docs/screenshots', `${name}.png`),
    animations: 'disabled',
    caret: 'hide',
  });
};

const DESKTOP = { width: 1280, height: 720 };

const { defaultBrowserType, deviceScaleFactor, ...phone } = devices['Pixel 7'];

test('screenshots of a list that two people share', async ({ newPerson, server }) => {
  const quiet: BrowserContextOptions = { reducedMotion: 'reduce' };
  const anna = await newPerson({ ...quiet, colorScheme: 'light' });
  await openList(anna);
  await addTodo(anna, 'Book the hut for Friday', 'Check the avalanche report', 'Pack the stove and the small pot');
  await waitSynced(anna);
  const link = await copyLink(anna);

  const bert = await newPerson({ ...quiet, ...phone, deviceScaleFactor: 2, colorScheme: 'light' });
  await openList(bert, link);
  await addTodo(bert, 'Bread, cheese, chocolate', 'Borrow Clara’s rope', 'Charge the head lamps');
  await complete(anna, 'Book the hut for Friday');
  await complete(bert, 'Borrow Clara’s rope');
  await rename(anna, 'Check the avalanche report', 'Check the avalanche report on Thursday evening');
  await expect(rows(bert)).toHaveCount(6);
  await expect(bert.locator('.todo-list li.completed')).toHaveCount(2);
  await waitSynced(anna);
  await waitSynced(bert);

  // Opened again, so that "Link copied" is not shown.
  await openList(anna, '/');
  await waitSynced(anna);
  await callThemselves(anna, 'Anna');
  await callThemselves(bert, 'Bert');
  await row(bert, 'Borrow Clara’s rope').locator('.pencil').click();
  await expect(anna.locator('.writes')).toHaveText('Bert is editing this');
  await expect(status(anna)).toContainText(/synced/i);
  await picture(anna, 'desktop');
  await bert.keyboard.press('Escape');
  await expect(bert.locator('.here')).toContainText('Anna');
  await picture(bert, 'phone');

  await anna.emulateMedia({ colorScheme: 'dark' });
  await picture(anna, 'desktop-dark');
  await anna.emulateMedia({ colorScheme: 'light' });

  await action(anna, 'share').click();
  await invite(anna, 'Clara', 'viewer');
  await invite(anna, 'Dr. Bartholomäus von Habichtswald');
  await person(anna, 'Clara').locator('[data-action="show-code"]').click();
  await expect(anna.getByText('Link copied')).toHaveCount(0);
  await picture(anna, 'share');
  await anna.setViewportSize({ width: 390, height: 844 });
  await picture(anna, 'share-phone');
  await action(anna, 'close-share').click();
  await anna.setViewportSize(DESKTOP);

  await action(anna, 'devices').click();
  await anna.locator('dialog[open] [data-action="show-code"]').click();
  await picture(anna, 'devices');
  await action(anna, 'close-devices').click();
  await action(anna, 'this-device').click();
  await picture(anna, 'this-device');
  await action(anna, 'close-this-device').click();

  await server.kill();
  await addTodo(anna, 'Ask the warden about snow');
  await complete(anna, 'Pack the stove and the small pot');
  await waitOffline(anna);
  await expect(status(anna)).toHaveAttribute('data-pending', '2');
  // The text follows the attribute with a delay.
  await expect(status(anna)).toContainText(/offline: \d+ change/i);
  await picture(anna, 'offline');
  await server.start();
  await shows(bert, ...(await rows(anna).locator('label').allTextContents()));
});
