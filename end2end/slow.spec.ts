// A link that carries a few kilobytes a second, as at the edge of a network.

import {
  addTodo, copyLink, expect, openList, reload, status, test, waitInstalled, waitSynced, writeMany, type Page,
} from './fixtures';

// Snapshots of a page with so many rows take longer than the page does.
test.use({ trace: { mode: 'retain-on-failure', snapshots: false } });

/** Bytes a second. Everything that these lists hold takes longer than a silent connection lasts. */
const TRICKLE = 8 * 1024;
/** Longer than it takes, and so long that a connection which starts anew all the time isn't lucky. */
const ARRIVES_WITHIN = 90_000;

/** By the counter: to look for a row among so many takes the page longer than anything else. */
const has = (page: Page, count: number): Promise<void> =>
  expect(page.locator('.todo-count')).toHaveText(`${count} items left`, { timeout: ARRIVES_WITHIN });

test('a long list comes and goes over a slow link, on one connection', async ({ newPerson, newDoor, newCrowd, server }) => {
  test.setTimeout(240_000);
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  const crowd = await newCrowd(server.url, link, 2, 1);
  const { titles } = await crowd.finish(1_000);

  const door = await newDoor();
  const bert = await newPerson({ baseURL: door.url });
  await openList(bert);
  await waitInstalled(bert);
  await reload(bert);
  door.throttle(TRICKLE);
  let connections = 0;
  bert.on('websocket', () => (connections += 1));
  await openList(bert, link.replace(server.url, door.url));
  await expect(status(bert)).toHaveText(/^Receiving [1-9][\d,]* of [\d,]+/);
  await has(bert, titles.length);
  expect(connections, 'it came on one connection').toBe(1);

  await writeMany(bert, 'From the train', 600);
  await has(anna, titles.length + 600);

  await addTodo(bert, 'Butter');
  await has(anna, titles.length + 601);
  await addTodo(anna, 'Salt');
  await has(bert, titles.length + 602);
  await waitSynced(bert);
  expect(connections, 'it has lasted').toBe(1);
});
