// "Saved" is true: what this device can't save is said, kept while the page lives, and tried again.

import { addTodo, complete, copyLink, openList, reload, rename } from './actions';
import { expect, test, type Page } from './fixtures';
import { action, isReady, rows, shows, status, titles, waitInstalled, waitOffline, waitSynced } from './page';
import { damage } from './storage';

const state = (page: Page, name: string): Promise<void> =>
  expect(status(page)).toHaveAttribute('data-sync', name);

/** From now on, everything that `data-sync` says, without repeats. */
async function recordStates(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = ((window as any).states = []);
    const element = document.querySelector('[data-sync]')!;
    const read = () => {
      const now = element.getAttribute('data-sync')!;
      if (now !== seen.at(-1)) seen.push(now);
    };
    new MutationObserver(read).observe(element, { attributes: true });
  });
  return () => page.evaluate(() => (window as any).states as string[]);
}

/** Lets IndexedDB fail as `storageFails` in the page says. Call it before the page is opened. */
const breakable = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const fails = () => (window as any).storageFails as string | undefined;
    const add = IDBObjectStore.prototype.add;
    IDBObjectStore.prototype.add = function (...args) {
      if (fails() === 'full') throw new DOMException('full', 'QuotaExceededError');
      const request = add.apply(this, args);
      if (fails() === 'hangs') {
        // The transaction is kept busy, so that it never completes.
        const again = () => {
          if (fails() === 'hangs') this.count().onsuccess = again;
        };
        again();
      }
      return request;
    };
    const commit = IDBTransaction.prototype.commit;
    IDBTransaction.prototype.commit = function () {
      if (fails() !== 'hangs') commit.apply(this);
    };
  });

const setFailing = (page: Page, how?: 'full' | 'hangs'): Promise<unknown> =>
  page.evaluate((how) => ((window as any).storageFails = how), how);

const leaves = async (page: Page): Promise<boolean> =>
  page.evaluate(() => window.dispatchEvent(new Event('beforeunload', { cancelable: true })));

test('a full disk: said before anything else, warned of, tried again, and saved once there is room', async ({ page }) => {
  await breakable(page);
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  expect(await leaves(page)).toBe(true);
  await setFailing(page, 'full');
  const states = await recordStates(page);
  await addTodo(page, 'Butter', 'Jam');
  await state(page, 'unsaved');
  await expect(status(page)).toContainText('no room left');
  await expect(page.getByRole('alert').filter({ hasText: 'Keep this page open' })).toBeVisible();
  await expect(page.getByText('no room')).toHaveCount(1);
  expect(await leaves(page)).toBe(false);
  expect(await states()).not.toContain('synced');
  await setFailing(page);
  await waitSynced(page);
  expect(await leaves(page)).toBe(true);
  await reload(page);
  await shows(page, 'Bread', 'Butter', 'Jam');
});

test('a full disk: what isn’t saved goes to the server nevertheless, and stands nowhere twice', async ({ newPerson }) => {
  const anna = await newPerson();
  await breakable(anna);
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const bert = await newPerson();
  await openList(bert, await copyLink(anna));
  await setFailing(anna, 'full');
  await addTodo(anna, 'Butter', 'Jam');
  await rename(anna, 'Bread', 'Rolls');
  await shows(bert, 'Rolls', 'Butter', 'Jam');
  await state(anna, 'unsaved');
  await expect(status(anna)).toContainText('no room left on this device. Your changes are on the server.');
  expect(await leaves(anna)).toBe(false);
  await complete(anna, 'Jam');
  await rename(anna, 'Butter', 'Ghee');
  await shows(bert, 'Rolls', 'Ghee', 'Jam');
  await setFailing(anna);
  for (const one of [anna, bert]) {
    await waitSynced(one);
    await shows(one, 'Rolls', 'Ghee', 'Jam');
    await expect(one.getByText('saved meanwhile')).toHaveCount(0);
  }
  await reload(anna);
  await shows(anna, 'Rolls', 'Ghee', 'Jam');
});

test('a damaged record: the rest is shown, it is said, and the server gives it back', async ({ newPerson, server }) => {
  const anna = await newPerson();
  await openList(anna);
  for (const title of ['Bread', 'Butter', 'Jam']) {
    await addTodo(anna, title);
    await waitSynced(anna);
  }
  await waitInstalled(anna);
  await server.kill();
  // No text in UTF-8 has this byte.
  const damaged = await damage(anna, '"Butter"', 0xff);
  expect(damaged).toBeGreaterThan(0);
  await reload(anna);
  await shows(anna, 'Bread', 'Jam');
  await waitOffline(anna);
  await expect(status(anna)).toContainText('1 todo is damaged on this device');
  await server.start();
  await shows(anna, 'Bread', 'Butter', 'Jam');
  await waitSynced(anna);
});

test('a damaged record with a change that was not sent: it is said that the change is lost', async ({ newPerson, server }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread', 'Butter');
  await waitSynced(anna);
  await waitInstalled(anna);
  await server.kill();
  await waitOffline(anna);
  await rename(anna, 'Butter', 'Ghee');
  await expect(status(anna)).toHaveAttribute('data-pending', '1');
  // The text is one still, but no JSON.
  expect(await damage(anna, '"Ghee"', 'x'.charCodeAt(0))).toBeGreaterThan(0);
  await reload(anna);
  const lost = anna.getByRole('alert').filter({ hasText: 'A change of yours was lost' });
  await expect(lost).toBeVisible();
  await expect(anna.getByText('by this version')).toHaveCount(0);
  await server.start();
  await waitSynced(anna);
  await shows(anna, 'Bread', 'Butter');
  await expect(lost).toBeVisible();
  await reload(anna);
  await lost.locator('[data-action="dismiss"]').click();
  await expect(lost).toHaveCount(0);
  // What is written later is on the disk later.
  await addTodo(anna, 'Jam');
  await waitSynced(anna);
  await reload(anna);
  await waitSynced(anna);
  await expect(lost).toHaveCount(0);
});

test('a button tries again at once', async ({ page }) => {
  await breakable(page);
  await openList(page);
  await setFailing(page, 'full');
  await addTodo(page, 'Bread');
  await state(page, 'unsaved');
  await setFailing(page);
  await action(page, 'save-again').click();
  await waitSynced(page);
});

test('a write that never completes: said, tried again, and saved once', async ({ newPerson }) => {
  const page = await newPerson();
  await breakable(page);
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const bert = await newPerson();
  await openList(bert, await copyLink(page));
  await setFailing(page, 'hangs');
  const states = await recordStates(page);
  await addTodo(page, 'Butter');
  await state(page, 'unsaved');
  await addTodo(page, 'Jam');
  expect(await leaves(page)).toBe(false);
  // The commit is given up.
  await expect(status(page)).toContainText('doesn\'t answer');
  expect(await states()).not.toContain('synced');
  await setFailing(page);
  await waitSynced(page);
  for (const one of [page, bert]) await shows(one, 'Bread', 'Butter', 'Jam');
  await reload(page);
  await shows(page, 'Bread', 'Butter', 'Jam');
});

/** Lets opening fail until it is mended, in every page of the person. */
const failsToOpen = (page: Page, how: 'throws' | 'hangs'): Promise<unknown> =>
  page.addInitScript((how) => {
    const open = IDBFactory.prototype.open;
    IDBFactory.prototype.open = function (...args) {
      if (localStorage.getItem('storage') === 'works') return open.apply(this, args);
      if (how === 'throws') throw new DOMException('broken', 'UnknownError');
      // Nothing ever comes of it.
      const request = open.call(this, 'another');
      for (const event of ['success', 'error', 'upgradeneeded', 'blocked']) {
        request.addEventListener(event, (event) => event.stopImmediatePropagation(), true);
      }
      return request;
    };
  }, how);

for (const how of ['throws', 'hangs'] as const) {
  test(`opening that ${how} is said, and isn't taken for an empty list; what is typed meanwhile is added once it works`, async ({ newPerson }) => {
    const anna = await newPerson();
    await failsToOpen(anna, how);
    await anna.goto('/');
    await anna.evaluate(() => localStorage.setItem('storage', 'works'));
    await openList(anna);
    await addTodo(anna, 'Bread');
    await waitSynced(anna);
    const link = await copyLink(anna);
    const bert = await newPerson();
    await openList(bert, link);
    await shows(bert, 'Bread');

    await anna.evaluate(() => localStorage.setItem('storage', 'broken'));
    await anna.goto('/');
    await expect(anna.getByText('They aren’t deleted')).toBeVisible();
    await state(anna, 'unsaved');
    await addTodo(anna, 'Butter', 'Jam', 'Salt');
    // In one turn, for it is also tried by itself, and then the button is gone.
    await action(anna, 'open-again').evaluate((button: HTMLElement) => {
      localStorage.setItem('storage', 'works');
      button.click();
    });
    await shows(anna, 'Bread', 'Butter', 'Jam', 'Salt');
    await expect(anna.getByText('They aren’t deleted')).toHaveCount(0);
    await waitSynced(anna);
    await shows(bert, 'Bread', 'Butter', 'Jam', 'Salt');
    await reload(anna);
    await shows(anna, 'Bread', 'Butter', 'Jam', 'Salt');
  });
}

test('a store of a newer version is said, and left alone', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  await page.goto('/manifest.webmanifest');
  await page.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) {
      await new Promise<void>((done) => {
        const request = indexedDB.open(name!, 99);
        request.onsuccess = () => (request.result.close(), done());
      });
    }
  });
  await page.goto('/');
  await expect(page.locator('[data-obstacle="newer"]')).toBeVisible();
  await state(page, 'unsaved');
});

test('a connection of an older version that blocks is said, and it goes on by itself', async ({ page }) => {
  await page.goto('/manifest.webmanifest');
  await page.evaluate(async () => {
    const request = indexedDB.open('settee:home', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('log');
      request.result.createObjectStore('meta').put(new Uint8Array(16).fill(7), 'incarnation');
    };
    await new Promise((done) => (request.onsuccess = done));
    (window as any).held = request.result;
  });
  const tab = await page.context().newPage();
  await tab.goto('/');
  await expect(tab.locator('[data-obstacle="other-tab"]')).toBeVisible();
  await page.evaluate(() => (window as any).held.close());
  await isReady(tab);
  await addTodo(tab, 'Bread');
  await waitSynced(tab);
  await reload(tab);
  await shows(tab, 'Bread');
});

test('site data cleared under open tabs: what was typed and not sent, and the list itself, are kept', async ({
  newPerson, server,
}) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  const link = await copyLink(anna);
  await server.kill();
  await waitOffline(anna);
  await addTodo(anna, 'Butter');
  await expect(status(anna)).toHaveAttribute('data-pending', '1');
  const browser = await anna.context().newCDPSession(anna);
  await browser.send('Storage.clearDataForOrigin', { origin: server.url, storageTypes: 'indexeddb' });
  await addTodo(anna, 'Jam');
  await expect(rows(anna).filter({ hasText: 'Butter' })).toBeVisible();
  await server.start();
  await waitSynced(anna);
  await expect.poll(async () => (await titles(anna)).toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
  await reload(anna);
  await expect.poll(async () => (await titles(anna)).toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
  const bert = await newPerson();
  await openList(bert, link);
  await expect.poll(async () => (await titles(bert)).toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
  expect(await copyLink(anna)).toBe(link);
});

test('many own todos that are sent at once don\'t look like something that is received', async ({ page }) => {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const texts = await page.evaluate(async () => {
    const seen = new Set<string>();
    const text = document.querySelector('.status')!;
    new MutationObserver(() => seen.add(text.textContent!)).observe(text, {
      subtree: true, characterData: true, childList: true,
    });
    const lines = Array.from({ length: 300 }, (_, at) => `todo ${at}`).join('\n');
    const data = new DataTransfer();
    data.setData('text', lines);
    const field = document.querySelector('.new-todo')!;
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    const status = document.querySelector('[data-sync]')!;
    await new Promise(requestAnimationFrame);
    while (status.getAttribute('data-sync') !== 'synced') await new Promise(requestAnimationFrame);
    await new Promise((done) => setTimeout(done, 1_500));
    return [...seen];
  });
  expect(texts.filter((text) => text.includes('Receiving'))).toEqual([]);
});
