// The status line is correct in every state of the server and of the network.

import { addTodo, complete, copyLink, listOf, openList, reload, together } from './actions';
import { expect, test, type Page } from './fixtures';
import { interceptFrames, outdated } from './frames';
import {
  RECOVERY_TIMEOUT, agree, newTodo, row, shows, status, waitInstalled, waitOffline, waitSynced,
} from './page';
import { setVisible } from './tabs';
import { CLOSED, HELLO, OPEN, REVOKED } from './wire';

/** Waits until the status line has exactly this text. */
const hasText = (page: Page, sentence: string | RegExp): Promise<void> =>
  expect(status(page)).toHaveText(sentence, { timeout: RECOVERY_TIMEOUT });

/** Waits until the status line has this `data-sync` attribute. */
const hasState = (page: Page, state: string): Promise<void> =>
  expect(status(page)).toHaveAttribute('data-sync', state, { timeout: RECOVERY_TIMEOUT });

test('the status follows a server that is killed and started again', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  for (const page of [anna, bert]) await hasText(page, 'All changes synced');

  await server.kill();
  for (const page of [anna, bert]) await hasText(page, 'Offline. Saved on this device');
  await addTodo(anna, 'Butter');
  await hasText(anna, 'Offline: 1 change waiting');
  await complete(anna, 'Bread');
  await hasText(anna, 'Offline: 2 changes waiting');
  await hasText(bert, 'Offline. Saved on this device');

  await server.start();
  for (const page of [anna, bert]) {
    await shows(page, 'Bread', 'Butter');
    await hasText(page, 'All changes synced');
  }
});

test('a stalled connection is noticed, and replaced once new connections work', async ({
  newPerson, newProxy,
}) => {
  const proxy = await newProxy();
  const { anna, bert } = await together(() => newPerson({ baseURL: proxy.url }), 'Bread');
  proxy.stallAll();
  // Anna's page doesn't know yet, but her edit is pending.
  await addTodo(anna, 'Butter');
  await expect(status(anna)).toHaveAttribute('data-pending', '1');
  for (const page of [anna, bert]) await waitOffline(page);
  await hasText(anna, 'Offline: 1 change waiting');
  await hasText(bert, 'Offline. Saved on this device');
  await addTodo(bert, 'Jam');
  await hasText(bert, 'Offline: 1 change waiting');

  // The old connections stay stalled.
  proxy.forwardNew();
  for (const page of [anna, bert]) {
    await waitSynced(page);
    await hasText(page, 'All changes synced');
  }
  const seen = await agree(anna, bert);
  expect(seen.toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
});

test('revoked access is shown, and asked for again on the next connection', async ({ newPerson, server }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  const list = listOf(link).replace('/l/', '');

  const bert = await newPerson();
  let isRevoked = false;
  let revoke = () => {};
  await interceptFrames(bert, ([type, fields], answer) => {
    if (type !== OPEN || fields.get(1) !== list) return undefined;
    // Whenever the page asks meanwhile, it shows something that opens nothing.
    if (isRevoked) return [type, new Map(fields).set(2, Buffer.alloc(32))];
    revoke = () => answer([CLOSED, new Map([[0, fields.get(0)!], [1, REVOKED], [2, 'revoked']])]);
    return undefined;
  });
  await openList(bert, link);
  await shows(bert, 'Bread');
  await waitSynced(bert);

  isRevoked = true;
  revoke();
  await hasState(bert, 'denied');
  await expect(status(bert)).toContainText('no access to this list');
  await expect(newTodo(bert)).not.toBeEditable();
  await addTodo(anna, 'Jam');
  await waitSynced(anna);
  await shows(bert, 'Bread');

  isRevoked = false;
  await server.kill();
  await server.start();
  await waitSynced(bert);
  await hasText(bert, 'All changes synced');
  await addTodo(bert, 'Butter');
  await waitSynced(bert);
  await waitSynced(anna);
  const seen = await agree(anna, bert);
  expect(seen.toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
});

test('a page that is too old for the server asks to be reloaded, and doesn\'t reconnect', async ({
  newPerson, server, goOffline, goOnline,
}) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);

  const bert = await newPerson();
  let [isOld, hellos] = [false, 0];
  await interceptFrames(bert, (frame) => {
    if (frame[0] !== HELLO) return undefined;
    hellos++;
    return isOld ? outdated(frame) : undefined;
  });
  await openList(bert, link);
  await shows(bert, 'Bread');
  await waitSynced(bert);

  // From now on the server finds the page's version too old.
  isOld = true;
  await server.kill();
  await server.start();
  await hasState(bert, 'update');
  await hasText(bert, 'Reload to get the new version of Settee');
  await addTodo(bert, 'Butter');
  await complete(bert, 'Bread');
  await expect(status(bert)).toHaveAttribute('data-pending', '2');
  expect(hellos).toBe(2);

  // None of the events that make other pages reconnect has an effect.
  await setVisible(bert, false);
  await setVisible(bert, true);
  await goOffline(bert);
  await goOnline(bert);
  for (let restart = 0; restart < 2; restart++) {
    await server.kill();
    await waitOffline(anna);
    await server.start();
    await waitSynced(anna);
  }
  await hasState(bert, 'update');
  await expect(status(bert)).toHaveAttribute('data-pending', '2');
  await shows(bert, 'Bread', 'Butter');
  await shows(anna, 'Bread');
  expect(hellos).toBe(2);

  isOld = false;
  await reload(bert);
  await waitSynced(bert);
  await hasText(bert, 'All changes synced');
  await shows(anna, 'Bread', 'Butter');
  await expect(row(anna, 'Bread')).toHaveClass('completed');
});

test('a page that receives 10,000 todos shows its progress', async ({
  newPerson, newProxy, newCrowd,
}) => {
  const proxy = await newProxy();
  const anna = await newPerson({ baseURL: proxy.url });
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  await anna.context().close();
  const crowd = await newCrowd(proxy.url, link, 2, 1);
  const { titles } = await crowd.finish(10_000);

  // The app itself is installed, so only the list uses the slow network.
  const bert = await newPerson({ baseURL: proxy.url });
  await openList(bert);
  await waitInstalled(bert);
  await reload(bert);
  proxy.throttle(64 * 1024);
  await openList(bert, link);
  await hasText(bert, /^Receiving [1-9][\d,]* of [\d,]+/);
  await expect(status(bert)).toHaveAttribute('data-sync', 'syncing');
  const [received, all] = (await status(bert).innerText())
    .match(/[\d,]+/g)!
    .map((number) => Number(number.replaceAll(',', '')));
  expect(received).toBeLessThan(all);
  expect(all).toBeGreaterThanOrEqual(titles.length);

  proxy.throttle(Infinity);
  await waitSynced(bert);
  await hasText(bert, 'All changes synced');
  await expect(bert.locator('.todo-count')).toHaveText(`${titles.length} items left`);
  await expect(bert.locator('.todo-list li')).toHaveCount(titles.length, { timeout: RECOVERY_TIMEOUT });
});
