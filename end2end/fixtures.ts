// What every spec builds on: a real server, people (each with a browser profile of their own),
// and the few gestures that the stories are told in.

import {
  test as base,
  expect,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type LaunchOptions,
  type Locator,
  type Page,
  type WebSocket,
} from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Crowd } from './crowd';
import { Door } from './door';
import { areGone, killAll, treeOf } from './processes';
import { Server } from './server';

export { expect };
export type { Page, Server };

export const launchOptions: LaunchOptions = {
  executablePath: process.env.SETTEE_CHROMIUM || undefined,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
};

/** Long enough for a reconnect whose pause has grown after several failed tries. */
export const HEALS_WITHIN = 60_000;

// ---------------------------------------------------------------------------------------------
// People

/** What pages complained about. A test in which a page complains has failed. */
class Complaints {
  private readonly all: string[] = [];
  private readonly mayLoseConnection = new WeakSet<BrowserContext>();
  private readonly mayCrash = new WeakSet<Page>();

  constructor(private readonly server: Server) {}

  listenTo(context: BrowserContext): void {
    context.on('console', (message) => {
      // Content-Security-Policy violations are console errors too.
      if (message.type() === 'error') this.note(context, message.text());
    });
    context.on('weberror', (problem) => this.note(context, `uncaught: ${problem.error()}`));
    context.on('page', (page) => page.on('crash', () => {
      if (!this.mayCrash.has(page)) this.note(context, 'the page crashed');
    }));
  }

  expectCrash(page: Page): void {
    this.mayCrash.add(page);
  }

  expectLostConnection(context: BrowserContext): void {
    this.mayLoseConnection.add(context);
  }

  check(): void {
    expect(this.all, 'no page complains').toEqual([]);
  }

  private note(context: BrowserContext, text: string): void {
    const aboutTheNetwork = /net::ERR_|WebSocket connection to/.test(text);
    const wasCut = this.server.wasDown || this.mayLoseConnection.has(context);
    if (!(aboutTheNetwork && wasCut)) this.all.push(text);
  }
}

/** A browser with a profile on disk: it can be closed and opened again. */
export class Profile {
  private context?: BrowserContext;
  private readonly directory = mkdtempSync(join(tmpdir(), 'settee-profile-'));

  constructor(private readonly launch: (directory: string) => Promise<BrowserContext>) {}

  async open(): Promise<Page> {
    this.context = await this.launch(this.directory);
    return this.context.pages()[0] ?? this.context.newPage();
  }

  async close(): Promise<void> {
    await this.context?.close();
    this.context = undefined;
  }

  /** kill -9 of the browser with all of its processes: nothing more gets to the disk. */
  async kill(): Promise<void> {
    const context = this.context;
    if (!context) return;
    this.context = undefined;
    const closed = context.waitForEvent('close');
    const processes = treeOf(`--user-data-dir=${this.directory}`);
    killAll(processes);
    await closed;
    await expect.poll(() => areGone(processes), { intervals: [10], message: 'it is dead' }).toBe(true);
  }

  async dispose(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

type Fixtures = {
  server: Server;
  complaints: Complaints;
  /** Somebody new, with nothing on their device yet. */
  newPerson: (options?: BrowserContextOptions) => Promise<Page>;
  /** Somebody whose browser can be closed and opened again. */
  newProfile: (options?: LaunchOptions) => Promise<Profile>;
  /** A way to the server on which things can happen. Pages that come by it belong to its address. */
  newDoor: () => Promise<Door>;
  /** Several people without a browser on the list that a link leads to, who have begun to write. */
  newCrowd: typeof Crowd.gather;
  /** Ends the page's process, as a browser does with one that has run out of memory. */
  crash: (page: Page) => Promise<void>;
  goOffline: (page: Page) => Promise<void>;
  goOnline: (page: Page) => Promise<void>;
};

export const test = base.extend<Fixtures, { settee: Server }>({
  // One process and one data folder for each worker; lists of different tests never meet.
  settee: [
    async ({}, use) => {
      const server = new Server();
      try {
        await server.start();
        await use(server);
      } finally {
        await server.dispose();
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  // A test gets it running, whatever the test before did to it.
  server: async ({ settee }, use) => {
    if (!settee.running) await settee.start();
    settee.wasDown = false;
    await use(settee);
    settee.thaw();
  },
  baseURL: async ({ server }, use) => use(server.url),

  complaints: async ({ server }, use) => {
    const complaints = new Complaints(server);
    await use(complaints);
    complaints.check();
  },

  // A page is gone before the door it came by (hence `newDoor`): what it still fetches doesn't fail.
  newPerson: async ({ browser, complaints, baseURL, newDoor: _ }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await newContext(browser, { baseURL, ...options });
      contexts.push(context);
      complaints.listenTo(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },

  page: async ({ newPerson }, use) => use(await newPerson()),

  newProfile: async ({ playwright, complaints, baseURL, newDoor: _ }, use) => {
    const profiles: Profile[] = [];
    await use(async (options) => {
      const profile = new Profile(async (directory) => {
        const context = await playwright.chromium.launchPersistentContext(directory, {
          ...launchOptions,
          ...options,
          baseURL,
        });
        complaints.listenTo(context);
        await allowClipboard(context);
        return context;
      });
      profiles.push(profile);
      return profile;
    });
    for (const profile of profiles) await profile.dispose();
  },

  newDoor: async ({ server }, use) => {
    const doors: Door[] = [];
    await use(async () => {
      const door = await Door.before(server);
      doors.push(door);
      return door;
    });
    for (const door of doors) door.close();
  },

  newCrowd: async ({ server: _ }, use) => {
    const crowds: Crowd[] = [];
    await use(async (...asked) => {
      const crowd = await Crowd.gather(...asked);
      crowds.push(crowd);
      return crowd;
    });
    for (const crowd of crowds) crowd.disperse();
  },

  crash: async ({ complaints }, use) =>
    use(async (page) => {
      complaints.expectCrash(page);
      const browser = await page.context().newCDPSession(page);
      const crashed = page.waitForEvent('crash');
      // There is nobody left to answer.
      browser.send('Page.crash').catch(() => {});
      await crashed;
    }),

  goOffline: async ({ complaints }, use) =>
    use(async (page) => {
      complaints.expectLostConnection(page.context());
      await page.context().setOffline(true);
    }),
  goOnline: async ({}, use) => use((page) => page.context().setOffline(false)),
});

async function newContext(browser: Browser, options: BrowserContextOptions) {
  const context = await browser.newContext(options);
  await allowClipboard(context);
  return context;
}

const allowClipboard = (context: BrowserContext) =>
  context.grantPermissions(['clipboard-read', 'clipboard-write']);

// ---------------------------------------------------------------------------------------------
// What is on the page

export const rows = (page: Page): Locator =>
  page.locator('.todo-list li').filter({ visible: true });

/** The row with exactly this title. */
export const row = (page: Page, title: string): Locator =>
  rows(page).filter({ has: page.getByText(title, { exact: true }) });

export const newTodo = (page: Page): Locator => page.locator('.new-todo');
export const status = (page: Page): Locator => page.locator('[data-sync]');
export const action = (page: Page, name: string): Locator =>
  page.locator(`[data-action="${name}"]`);

/** The titles shown now, in their order. */
export const titles = (page: Page): Promise<string[]> =>
  rows(page).locator('label').allTextContents();

/** Waits until exactly these titles are shown, in this order. */
export const shows = (page: Page, ...expected: string[]): Promise<void> =>
  expect(rows(page).locator('label')).toHaveText(expected, { timeout: HEALS_WITHIN });

/** Waits until two people see the same list in the same order and state, and says what they see. */
export async function agree(one: Page, other: Page): Promise<string[]> {
  const seen = (page: Page) =>
    rows(page).evaluateAll((items) =>
      items.map((item) => `${item.classList.contains('completed') ? '[x]' : '[ ]'} ${item.querySelector('label')?.textContent}`),
    );
  await expect
    .poll(async () => JSON.stringify(await seen(one)) === JSON.stringify(await seen(other)), {
      message: 'both see the same',
      timeout: HEALS_WITHIN,
    })
    .toBe(true);
  return titles(one);
}

// ---------------------------------------------------------------------------------------------
// What people do

/** Opens a list and waits until it can be used. */
export async function openList(page: Page, address = '/'): Promise<void> {
  await page.goto(address);
  await isReady(page);
}

export async function reload(page: Page): Promise<void> {
  await page.reload();
  await isReady(page);
}

export const isReady = (page: Page): Promise<void> =>
  expect(page.locator('body[data-ready]')).toBeAttached({ timeout: HEALS_WITHIN });

export async function newTab(page: Page, address = page.url()): Promise<Page> {
  const tab = await page.context().newPage();
  await openList(tab, address);
  return tab;
}

export async function addTodo(page: Page, ...added: string[]): Promise<void> {
  for (const title of added) {
    await newTodo(page).fill(title);
    await newTodo(page).press('Enter');
  }
}

/** Opens the editor of a row as TodoMVC has it, by a double click on its title. */
export async function startEditing(item: Locator): Promise<Locator> {
  await item.locator('label').dblclick();
  const page = item.page();
  const editor = page.locator('.todo-list li.editing .edit');
  await expect(editor).toBeVisible();
  return editor;
}

export async function rename(page: Page, from: string, to: string): Promise<void> {
  const editor = await startEditing(row(page, from));
  await editor.fill(to);
  await editor.press('Enter');
}

export const complete = (page: Page, title: string): Promise<void> =>
  row(page, title).locator('.toggle').check();

export async function remove(page: Page, title: string): Promise<void> {
  await row(page, title).hover();
  await row(page, title).locator('.destroy').click();
}

/** Waits until everything on this page has been acknowledged by the server. */
export async function waitSynced(page: Page): Promise<void> {
  // An edit counts as waiting from the next frame on at the latest.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
  // It is counted, for whenever something is missing the whole page is described, which takes long
  // where there are many rows.
  await expect(page.locator('[data-sync="synced"][data-pending="0"]')).toHaveCount(1, {
    timeout: HEALS_WITHIN,
  });
}

/** Waits until the page knows that it cannot reach the server. */
export const waitOffline = (page: Page): Promise<void> =>
  expect(page.locator('[data-sync="offline"]')).toHaveCount(1, { timeout: HEALS_WITHIN });

/** Waits until the page can be opened again without a server. */
export const waitInstalled = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });

/** Copies the link that invites to the list shown, and reads it off the clipboard. */
export async function copyLink(page: Page, which: 'copy-link' | 'copy-viewer-link' = 'copy-link') {
  await page.bringToFront();
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await action(page, which).click();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(clipboard, { message: 'a link on the clipboard' }).toContain('#k=');
  return clipboard();
}

export const listOf = (link: string): string => new URL(link).pathname;
export const tokenOf = (link: string): string => new URL(link).hash.replace('#k=', '');

/** Two people on one list: the first made it, the second came by a link. */
export async function together(newPerson: () => Promise<Page>, ...todos: string[]) {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, ...todos);
  await waitSynced(anna);
  const link = await copyLink(anna);
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, ...todos);
  return { anna, bert, link };
}

/**
 * Writes todos named `prefix 1` to `prefix N` from inside the page, one a frame: faster than
 * a person types, and going on whatever happens to the server meanwhile.
 */
export const writeMany = (page: Page, prefix: string, count: number): Promise<void> =>
  page.evaluate(
    async ([prefix, count]) => {
      const input = document.querySelector<HTMLInputElement>('.new-todo')!;
      for (let n = 1; n <= Number(count); n++) {
        input.value = `${prefix} ${n}`;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        for (const kind of ['keydown', 'keypress', 'keyup']) {
          input.dispatchEvent(
            new KeyboardEvent(kind, { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true, cancelable: true }),
          );
        }
        await new Promise(requestAnimationFrame);
      }
    },
    [prefix, count] as const,
  );

// ---------------------------------------------------------------------------------------------
// Tabs

/** Whether this tab syncs for all of its browser. */
export const leader = (page: Page): Locator => page.locator('body[data-leader]');

export const isLeader = async (page: Page): Promise<boolean> => (await leader(page).count()) > 0;

/** Counts each page's open sockets. To be called before the pages are opened. */
export function countSockets(context: BrowserContext): (page: Page) => number {
  const sockets = new Map<Page, WebSocket[]>();
  const watch = (page: Page) => {
    sockets.set(page, []);
    page.on('websocket', (socket) => sockets.get(page)!.push(socket));
  };
  context.pages().forEach(watch);
  context.on('page', watch);
  return (page) => sockets.get(page)!.filter((socket) => !socket.isClosed()).length;
}

/** What a page finds when somebody turns to another tab, and back. */
export const setVisible = (page: Page, visible: boolean): Promise<void> =>
  page.evaluate((visible) => {
    const state = { visibilityState: visible ? 'visible' : 'hidden', hidden: !visible };
    for (const [name, value] of Object.entries(state)) {
      Object.defineProperty(document, name, { configurable: true, get: () => value });
    }
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, visible);

/**
 * Stops a page as if it were frozen: nothing of it runs, and it holds what it held. A debugger
 * does that, for the browser freezes no page that it takes for visible, as it takes all of ours.
 * Says how it is thawed.
 */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const browser = await page.context().newCDPSession(page);
  await browser.send('Debugger.enable');
  const paused = new Promise((done) => browser.once('Debugger.paused', done));
  await browser.send('Debugger.pause');
  await paused;
  return () => browser.detach();
}
