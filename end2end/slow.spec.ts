// A slow network of three kilobytes a second.

import { addTodo, copyLink, openList, reload, writeMany } from './actions';
import { expect, test, type Page } from './fixtures';
import { status, waitInstalled, waitSynced } from './page';

/** Bytes a second, so few that the list takes longer than the timeout of a silent connection. */
const SLOW_RATE = 3 * 1024;
/** Maximum time of a transfer, in milliseconds. */
const TRANSFER_TIMEOUT = 90_000;

/** Reads the counter, because looking for a row among so many is slow. */
const has = (page: Page, count: number): Promise<void> =>
  expect(page.locator('.todo-count')).toHaveText(`${count} items left`, { timeout: TRANSFER_TIMEOUT });

test('a long list is received and sent over a slow network, on one connection', async ({ newPerson, newProxy, newCrowd, server }) => {
  test.setTimeout(240_000);
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  const crowd = await newCrowd(server.url, link, 2, 1);
  const { titles } = await crowd.finish(1_000);

  const proxy = await newProxy();
  const bert = await newPerson({ baseURL: proxy.url });
  await openList(bert);
  await waitInstalled(bert);
  await reload(bert);
  // The connection of this page isn't counted, so it has to be there before the counting begins.
  await waitSynced(bert);
  proxy.throttle(SLOW_RATE);
  let connections = 0;
  bert.on('websocket', () => (connections += 1));
  await openList(bert, link.replace(server.url, proxy.url));
  await expect(status(bert)).toHaveText(/^Receiving [1-9][\d,]* of [\d,]+/);
  await has(bert, titles.length);
  expect(connections, 'it was received on one connection').toBe(1);

  await writeMany(bert, 'From the train', 600);
  await has(anna, titles.length + 600);

  await addTodo(bert, 'Butter');
  await has(anna, titles.length + 601);
  await addTodo(anna, 'Salt');
  await has(bert, titles.length + 602);
  await waitSynced(bert);
  expect(connections, 'the connection is still the same').toBe(1);
});
