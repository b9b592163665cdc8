// When those who were invited were last here, as the owner sees it.

import { addTodo, invite, openList, person, reload } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, shows, waitOffline, waitSynced } from './page';

const seen = (page: Page, name: string) => person(page, name).locator('.seen');

test('an owner sees when somebody was last here, also while offline', async ({ newPerson, goOffline }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  await action(anna, 'share').click();
  const link = await invite(anna, 'Bert');
  await invite(anna, 'Clara', 'viewer');
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, 'Bread');
  await expect(seen(anna, 'Bert')).toHaveText('Here today');
  await expect(seen(anna, 'Clara')).toBeEmpty();

  const now = Date.now();
  await goOffline(anna);
  await waitOffline(anna);
  await reload(anna);
  for (const [days, words] of [
    [0, 'Here today'],
    [1, 'Last seen yesterday'],
    [6, 'Last seen 6 days ago'],
    [7, `Last seen on ${new Date(now).toUTCString().slice(5, 16).replace(/^0/, '')}`],
  ] as const) {
    await anna.evaluate((then) => { Date.now = () => then; }, now + days * 24 * 60 * 60 * 1000);
    await action(anna, 'share').click();
    await expect(seen(anna, 'Bert')).toHaveText(words);
    await action(anna, 'close-share').click();
  }
});
