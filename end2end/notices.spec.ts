// What a device is told of a list while no page of it is open.

import { addTodo, callThemselves, complete, invite, openList, reload } from './actions';
import { expect, test as base, type Page } from './fixtures';
import { action, shows, waitInstalled, waitSynced } from './page';
import { deliver, notifications, PushService, subscribesTo } from './push_service';
import type { Server } from './server';

const test = base.extend<{ service: PushService }>({
  service: async ({}, use) => {
    const service = await PushService.start();
    await use(service);
    service.close();
  },
});

async function sendNotices(server: Server): Promise<void> {
  await server.stop();
  server.flags = ['--push-contact', 'mailto:us@settee.example', '--push-local', '--push-gather', '1', '--push-rest', '0'];
  await server.start();
}

const wish = (page: Page) => page.getByLabel('Tell this device when others add or tick something');
const outcome = (page: Page) => page.locator('.sharing [role="status"]').filter({ hasText: /\S/ });
const close = (page: Page) => action(page, 'close-share').click();

test('a device is told what others do, also by a server that was killed', async ({ newPerson, server, service }) => {
  test.slow();
  await sendNotices(server);
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await anna.locator('.list-name').fill('Groceries');
  await anna.locator('.list-name').press('Enter');
  await callThemselves(anna, 'Anna');
  await action(anna, 'share').click();
  const link = await invite(anna, 'Bert', 'viewer');
  await close(anna);

  const bert = await newPerson();
  await bert.context().grantPermissions(['notifications']);
  await openList(bert, link);
  await shows(bert, 'Bread');
  await waitInstalled(bert);
  const worker = await subscribesTo(bert, service);
  await action(bert, 'share').click();
  await wish(bert).check();
  await expect(outcome(bert)).toContainText('This device will be told');
  await close(bert);
  const path = new URL(bert.url()).pathname;

  await addTodo(anna, 'Milk', 'Butter');
  await complete(anna, 'Bread');
  const message = await service.next();
  const body = 'Anna added Milk and Butter, and ticked Bread';
  expect(JSON.parse(message)).toEqual({ title: 'Groceries', body, path, tag: path.replace('/l/', '') });

  // Whoever has the list before them sees it there.
  await shows(bert, 'Bread', 'Milk', 'Butter');
  await deliver(bert, message);
  await bert.goto('/');
  await deliver(bert, message);
  await expect.poll(() => notifications(worker)).toEqual([{ title: 'Groceries', body }]);

  // It is told after kill -9, too, and what was set stays set.
  await server.kill();
  await server.start();
  await addTodo(anna, 'Salt');
  expect(JSON.parse(await service.next())).toMatchObject({ body: 'Anna added Salt' });
  await bert.goto(path);
  await action(bert, 'share').click();
  await expect(wish(bert)).toBeChecked();
  await wish(bert).uncheck();
  await expect(outcome(bert)).toContainText('told nothing of this list any more');
  await addTodo(anna, 'Pepper');
  await waitSynced(anna);
  await wish(bert).check();
  await expect(outcome(bert)).toContainText('This device will be told');
  await addTodo(anna, 'Tea');
  expect(JSON.parse(await service.next())).toMatchObject({ body: 'Anna added Tea' });
});

test('who can’t be told reads why', async ({ newPerson, server }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitInstalled(anna);
  await action(anna, 'share').click();
  await wish(anna).click();
  await expect(outcome(anna)).toContainText('doesn’t let this site show notifications');
  await expect(wish(anna)).not.toBeChecked();
  await anna.context().grantPermissions(['notifications']);
  await wish(anna).click();
  await expect(outcome(anna)).toContainText('This server sends no notifications');
  await expect(wish(anna)).not.toBeChecked();
  await sendNotices(server);
  await reload(anna);
  await waitSynced(anna);
  await action(anna, 'share').click();
  // This browser has no push service to subscribe to.
  await wish(anna).click();
  await expect(outcome(anna)).toContainText('That didn’t work');
  await expect(wish(anna)).not.toBeChecked();
});
