// The status line tells the truth, whatever becomes of the server and of the way to it.

import {
  HEALS_WITHIN, addTodo, agree, complete, copyLink, expect, listOf, openList, reload, row, setVisible,
  shows, status, test, together, waitInstalled, waitOffline, waitSynced, type Page,
} from './fixtures';
import { CLOSED, HELLO, OPEN, REVOKED, decode, encode, type Frame } from './wire';

// Snapshots of a page with so many rows take longer than the page does.
test.use({ trace: { mode: 'retain-on-failure', snapshots: false } });

/** Waits until the line says exactly this. */
const says = (page: Page, sentence: string | RegExp): Promise<void> =>
  expect(status(page)).toHaveText(sentence, { timeout: HEALS_WITHIN });

/** Waits until the line is in this state for programs. */
const isNow = (page: Page, state: string): Promise<void> =>
  expect(status(page)).toHaveAttribute('data-sync', state, { timeout: HEALS_WITHIN });

/**
 * Reads each frame that a page sends, and may write another one in its place. To be called before
 * the page is opened.
 */
async function standBetween(
  page: Page,
  read: (frame: Frame, answer: (frame: Frame) => void) => Frame | undefined,
): Promise<void> {
  await page.routeWebSocket(/\/sync$/, (visitor) => {
    const inside = visitor.connectToServer();
    const answer = (frame: Frame) => visitor.send(encode(frame));
    visitor.onMessage((message) => {
      const changed = read(decode(message), answer);
      inside.send(changed ? encode(changed) : message);
    });
  });
}

test('the server goes down and comes up again', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  for (const page of [anna, bert]) await says(page, 'All changes synced');

  await server.kill();
  for (const page of [anna, bert]) await says(page, 'Offline. Saved on this device');
  await addTodo(anna, 'Butter');
  await says(anna, 'Offline: 1 change waiting');
  await complete(anna, 'Bread');
  await says(anna, 'Offline: 2 changes waiting');
  await says(bert, 'Offline. Saved on this device');

  await server.start();
  for (const page of [anna, bert]) {
    await shows(page, 'Bread', 'Butter');
    await says(page, 'All changes synced');
  }
});

test('a connection that is dead without a word is noticed, and replaced when there is a way again', async ({
  newPerson, newDoor,
}) => {
  const door = await newDoor();
  const { anna, bert } = await together(() => newPerson({ baseURL: door.url }), 'Bread');
  door.shut();
  // Nobody has told Anna yet; what she writes waits all the same.
  await addTodo(anna, 'Butter');
  await expect(status(anna)).toHaveAttribute('data-pending', '1');
  for (const page of [anna, bert]) await waitOffline(page);
  await says(anna, 'Offline: 1 change waiting');
  await says(bert, 'Offline. Saved on this device');
  await addTodo(bert, 'Jam');
  await says(bert, 'Offline: 1 change waiting');

  // The old connections lead nowhere for ever.
  door.open();
  for (const page of [anna, bert]) {
    await waitSynced(page);
    await says(page, 'All changes synced');
  }
  const seen = await agree(anna, bert);
  expect(seen.toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
});

test('access that is taken back is said so, and edits stay on the device', async ({ newPerson, server }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  const list = listOf(link).replace('/l/', '');

  const bert = await newPerson();
  let [greetings, openings] = [0, 0];
  let revoke = () => {};
  await standBetween(bert, ([type, fields], answer) => {
    if (type === HELLO) greetings++;
    if (type === OPEN && fields.get(1) === list) {
      openings++;
      revoke = () => answer([CLOSED, new Map([[0, fields.get(0)!], [1, REVOKED], [2, 'taken back']])]);
    }
    return undefined;
  });
  await openList(bert, link);
  await shows(bert, 'Bread');
  await waitSynced(bert);

  revoke();
  await isNow(bert, 'denied');
  await says(bert, 'Your access to this list was taken back.');
  await addTodo(bert, 'Butter');
  await complete(bert, 'Bread');
  await expect(status(bert)).toHaveAttribute('data-pending', '2');
  await addTodo(anna, 'Jam');
  await waitSynced(anna);

  // Another connection is no reason to ask again.
  await server.kill();
  await server.start();
  await waitSynced(anna);
  await expect.poll(() => greetings, { timeout: HEALS_WITHIN }).toBeGreaterThan(1);
  await addTodo(bert, 'Honey');
  await expect(status(bert)).toHaveAttribute('data-pending', '3');
  await says(bert, 'Your access to this list was taken back.');
  await isNow(bert, 'denied');
  await shows(bert, 'Bread', 'Butter', 'Honey');
  await shows(anna, 'Bread', 'Jam');
  expect(openings).toBe(1);

  // A page that is opened anew asks, and here nobody says no any more.
  await reload(bert);
  await waitSynced(bert);
  await says(bert, 'All changes synced');
  await waitSynced(anna);
  const seen = await agree(anna, bert);
  expect(seen.toSorted()).toEqual(['Bread', 'Butter', 'Honey', 'Jam']);
  await expect(row(anna, 'Bread')).toHaveClass('completed');
});

test('a page that is too old for the server asks to be loaded anew, and tries nothing else', async ({
  newPerson, server, goOffline, goOnline,
}) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);

  const bert = await newPerson();
  let [isOld, greetings] = [false, 0];
  await standBetween(bert, ([type, fields]) => {
    if (type !== HELLO) return undefined;
    greetings++;
    return isOld ? [HELLO, new Map(fields).set(0, Buffer.from([254, 255]))] : undefined;
  });
  await openList(bert, link);
  await shows(bert, 'Bread');
  await waitSynced(bert);

  // The server comes back as another version.
  isOld = true;
  await server.kill();
  await server.start();
  await isNow(bert, 'update');
  await says(bert, 'Reload to get the new version of Settee');
  await addTodo(bert, 'Butter');
  await complete(bert, 'Bread');
  await expect(status(bert)).toHaveAttribute('data-pending', '2');
  expect(greetings).toBe(2);

  // Nothing makes it try again that makes others do so.
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
  await isNow(bert, 'update');
  await expect(status(bert)).toHaveAttribute('data-pending', '2');
  await shows(bert, 'Bread', 'Butter');
  await shows(anna, 'Bread');
  expect(greetings).toBe(2);

  isOld = false;
  await reload(bert);
  await waitSynced(bert);
  await says(bert, 'All changes synced');
  await shows(anna, 'Bread', 'Butter');
  await expect(row(anna, 'Bread')).toHaveClass('completed');
});

test('somebody who has 10,000 todos to catch up with sees how far it has come', async ({
  newPerson, newDoor, newCrowd,
}) => {
  const door = await newDoor();
  const anna = await newPerson({ baseURL: door.url });
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  await anna.context().close();
  const crowd = await newCrowd(door.url, link, 2, 1);
  const { titles } = await crowd.finish(10_000);

  // The page itself needs no network, so that only the list comes slowly.
  const bert = await newPerson({ baseURL: door.url });
  await openList(bert);
  await waitInstalled(bert);
  await reload(bert);
  door.throttle(64 * 1024);
  await openList(bert, link);
  await says(bert, /^Receiving [1-9][\d,]* of [\d,]+/);
  await expect(status(bert)).toHaveAttribute('data-sync', 'syncing');
  const [got, all] = (await status(bert).innerText())
    .match(/[\d,]+/g)!
    .map((number) => Number(number.replaceAll(',', '')));
  expect(got).toBeLessThan(all);
  expect(all).toBeGreaterThanOrEqual(titles.length);

  door.throttle(Infinity);
  await waitSynced(bert);
  await says(bert, 'All changes synced');
  await expect(bert.locator('.todo-count')).toHaveText(`${titles.length} items left`);
  await expect(bert.locator('.todo-list li')).toHaveCount(titles.length, { timeout: HEALS_WITHIN });
});
