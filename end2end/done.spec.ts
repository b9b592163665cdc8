// Everything that the app promises, as one story.

import { addTodo, complete, copyLink, openList, rename } from './actions';
import { expect, test } from './fixtures';
import { agree, row, shows, status, waitInstalled, waitOffline, waitSynced } from './page';

test('a shared list is edited live, survives a dead server and a restart, and both people agree', async ({
  newPerson, newProfile, server,
}) => {
  const home = await newProfile();
  let anna = await home.open();
  let link = '';
  const bert = await newPerson();

  await test.step('Anna makes a list', async () => {
    await openList(anna);
    await addTodo(anna, 'Book the hut', 'Pack the stove', 'Buy a map');
    await waitSynced(anna);
    await waitInstalled(anna);
    link = await copyLink(anna);
  });

  await test.step('Bert edits it live through her link', async () => {
    await openList(bert, link);
    await shows(bert, 'Book the hut', 'Pack the stove', 'Buy a map');
    await addTodo(bert, 'Borrow a rope');
    await shows(anna, 'Book the hut', 'Pack the stove', 'Buy a map', 'Borrow a rope');
    await complete(anna, 'Book the hut');
    await expect(row(bert, 'Book the hut')).toHaveClass('completed');
  });

  await test.step('the server is killed, and both keep working', async () => {
    await server.kill();
    await waitOffline(anna);
    await waitOffline(bert);
    await addTodo(anna, 'Ask about snow');
    await rename(anna, 'Buy a map', 'Buy two maps');
    await addTodo(bert, 'Charge the lamps');
    await complete(bert, 'Buy a map');
    await expect(status(anna)).toHaveAttribute('data-pending', '2');
    await expect(status(bert)).toHaveAttribute('data-pending', '2');
  });

  await test.step('Anna restarts her browser, and sees everything', async () => {
    await home.close();
    anna = await home.open();
    await openList(anna);
    await shows(anna, 'Book the hut', 'Pack the stove', 'Buy two maps', 'Borrow a rope', 'Ask about snow');
    await expect(row(anna, 'Book the hut')).toHaveClass('completed');
    await waitOffline(anna);
    await expect(status(anna)).toHaveAttribute('data-pending', '2');
  });

  await test.step('the server comes back, and both agree', async () => {
    await server.start();
    await waitSynced(anna);
    await waitSynced(bert);
    const seen = await agree(anna, bert);
    expect(seen.toSorted()).toEqual([
      'Ask about snow', 'Book the hut', 'Borrow a rope', 'Buy two maps', 'Charge the lamps', 'Pack the stove',
    ]);
    // Anna changed the title of this todo, and Bert completed it.
    await expect(row(anna, 'Buy two maps')).toHaveClass('completed');
    await expect(row(bert, 'Buy two maps')).toHaveClass('completed');
  });
});
