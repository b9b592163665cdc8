// Who else has the list on the screen.

import { addTodo, callThemselves, newTab, openList, reload, startEditing, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { row, shows, waitSynced } from './page';

const signs = (page: Page) => page.locator('.here .sign:visible');
const writers = (page: Page) => page.locator('.writes');

test('those who are on a list see each other, by name, and who edits what', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Butter');
  await expect(signs(anna)).toHaveText(/Somebody/);
  await callThemselves(bert, 'Bert Berg');
  await expect(signs(anna)).toHaveText(/BB.*Bert Berg/);
  await callThemselves(anna, 'Änne');
  await expect(signs(bert)).toHaveText(/Ä.*Änne/);

  await startEditing(row(bert, 'Butter'));
  await expect(writers(anna)).toHaveText('Bert Berg is editing this');
  await expect(row(anna, 'Butter').locator('.writes')).toBeVisible();
  await expect(writers(bert)).toHaveCount(0);
  await bert.keyboard.press('Escape');
  await expect(writers(anna)).toHaveCount(0);

  // The name stays, and nobody stands there twice.
  await reload(bert);
  await shows(bert, 'Bread', 'Butter');
  await expect(signs(anna)).toHaveText(/Bert Berg/);
  await bert.close();
  await expect(signs(anna)).toHaveCount(0);
});

test('a person with several tabs is one, and none for themselves', async ({ newPerson }) => {
  const { anna, bert, link } = await together(newPerson, 'Bread');
  await callThemselves(bert, 'Bert');
  const second = await newTab(bert, new URL(link).pathname);
  await shows(second, 'Bread');
  await expect(signs(second)).toHaveCount(1);
  await startEditing(row(second, 'Bread'));
  await expect(writers(anna)).toHaveText('Bert is editing this');
  await expect(signs(anna)).toHaveCount(1);
  await expect(signs(bert)).toHaveCount(1);
  await expect(writers(bert)).toHaveCount(0);
});

test('who leaves for another list is gone, and nobody is there without the server', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await expect(signs(anna)).toHaveCount(1);
  await bert.goto('/');
  await expect(signs(anna)).toHaveCount(0);
  await bert.goBack();
  await expect(signs(anna)).toHaveCount(1);
  await server.kill();
  await expect(signs(anna)).toHaveCount(0);
  await server.start();
  await expect(signs(anna)).toHaveCount(1);
  await addTodo(bert, 'Butter');
  await shows(anna, 'Bread', 'Butter');
  await waitSynced(anna);
});

test('who does nothing for a minute is shown as away, until they come back', async ({ newPerson }) => {
  const withClock = async () => {
    const page = await newPerson();
    await page.clock.install();
    return page;
  };
  const { anna, bert } = await together(withClock, 'Bread');
  await expect(signs(anna)).toHaveCount(1);
  await expect(signs(anna)).not.toHaveClass(/idle/);
  for (let times = 0; times < 2; times++) {
    await bert.clock.fastForward('01:01');
    await expect(signs(anna)).toHaveClass(/idle/);
    await expect(signs(anna)).toContainText('away from the screen');
    await bert.keyboard.press('Shift');
    await expect(signs(anna)).not.toHaveClass(/idle/);
  }
});
