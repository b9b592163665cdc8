// What the page's databases have on the disk.

import type { JSHandle, Page } from '@playwright/test';

interface Logs {
  done<T>(request: IDBRequest<T>): Promise<T>;
  /** Does something with the log of each database. */
  each(mode: IDBTransactionMode, act: (log: IDBObjectStore) => Promise<void>): Promise<void>;
}

const logs = (page: Page): Promise<JSHandle<Logs>> =>
  page.evaluateHandle(() => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((good, bad) => {
        request.onsuccess = () => good(request.result);
        request.onerror = () => bad(request.error);
      });
    const each: Logs['each'] = async (mode, act) => {
      for (const { name } of await indexedDB.databases()) {
        const database = await done(indexedDB.open(name!));
        await act(database.transaction('log', mode).objectStore('log'));
        database.close();
      }
    };
    return { done, each };
  });

/** The number of records in the longest log, which is that of the list on the page. */
export const logLength = async (page: Page): Promise<number> =>
  (await logs(page)).evaluate(async ({ done, each }) => {
    let longest = 0;
    await each('readonly', async (log) => void (longest = Math.max(longest, await done(log.count()))));
    return longest;
  });

/** Overwrites where the first todo begins in each record that contains the text. Returns how many it met. */
export const damage = async (page: Page, text: string, byte: number): Promise<number> =>
  (await logs(page)).evaluate(
    async ({ done, each }, { text, byte }) => {
      let count = 0;
      await each('readwrite', async (log) => {
        const keys = await done(log.getAllKeys());
        for (const [at, bytes] of (await done<Uint8Array[]>(log.getAll())).entries()) {
          const whole = String.fromCharCode(...bytes);
          const body = whole.indexOf('{"completed"');
          if (body < 0 || !whole.includes(text)) continue;
          bytes[body] = byte;
          await done(log.put(bytes, keys[at]));
          count++;
        }
      });
      return count;
    },
    { text, byte },
  );

/** All that the page's origin keeps, as one text: databases with their names, localStorage, and what caches hold beside the build. */
export const deviceKeeps = async (page: Page): Promise<string> => {
  const databases = await (await logs(page)).evaluate(async ({ done, each }) => {
    const texts = (await indexedDB.databases()).map(({ name }) => name!);
    await each('readonly', async (log) => {
      for (const bytes of await done<Uint8Array[]>(log.getAll())) {
        for (let at = 0; at < bytes.length; at += 10_000) texts.push(String.fromCharCode(...bytes.slice(at, at + 10_000)));
      }
    });
    return texts.join('');
  });
  const others = await page.evaluate(async () => {
    const texts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    for (const name of await caches.keys()) {
      for (const { url } of await (await caches.open(name)).keys()) texts.push(url);
    }
    return texts.join('\n');
  });
  return databases + others;
};
