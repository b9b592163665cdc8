// The next build arrives, and nothing but a whole build is ever kept.

import type { IncomingMessage } from 'node:http';
import { addTodo, newTab, openList, reload } from './actions';
import { built, type Build } from './builds';
import { expect, test, type Page } from './fixtures';
import { interceptFrames, outdated } from './frames';
import { RECOVERY_TIMEOUT, action, isReady, newTodo, shows, waitInstalled, waitSynced } from './page';
import type { Way } from './portal';
import { setVisible } from './tabs';
import { HELLO } from './wire';

const offer = (page: Page) => page.locator('[data-shell="ready"]');
const unloaded = (page: Page) => page.locator('[data-shell="unloaded"]');

const isOffered = (page: Page): Promise<void> =>
  expect(offer(page)).toBeVisible({ timeout: RECOVERY_TIMEOUT });

const isNamed = (page: Page, { stylesheet }: Build, timeout: number): Promise<void> =>
  expect(page.locator(`link[rel="stylesheet"][href$="/${stylesheet}"]`)).toBeAttached({ timeout });

/** Waits until the page is of this build, and can be used. */
async function isOf(page: Page, build: Build): Promise<void> {
  await isNamed(page, build, RECOVERY_TIMEOUT);
  await isReady(page);
}

/** Visits the page until it is of this build: one visit finds it, and a later one has it. */
async function visit(page: Page, build: Build): Promise<void> {
  const once = async () => {
    // It fails if the page takes the build at this moment.
    await page.goto('/');
    // A page asks for the build that waits once it has started, and again while the page before it may still
    // be listed.
    await isReady(page);
    await isNamed(page, build, 8_000);
  };
  await expect(once).toPass({ timeout: RECOVERY_TIMEOUT });
  await isReady(page);
}

/** Opens the app so that it can be opened without the server from then on. */
async function install(page: Page): Promise<void> {
  await openList(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  await waitInstalled(page);
}

/** The tab is shown again after it was in the background. */
const wake = (page: Page): Promise<void> => setVisible(page, true);

/** Counts how often the page is loaded from now on. */
function countLoads(page: Page): () => number {
  let loads = 0;
  page.on('domcontentloaded', () => (loads += 1));
  return () => loads;
}

/** Looks for another build, and returns what becomes of its service worker. */
const outcome = (page: Page): Promise<ServiceWorkerState | 'none'> =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    // The page may be looking already, and then this looks with it.
    let worker = registration.installing;
    registration.addEventListener('updatefound', () => (worker = registration.installing));
    const found = await registration.update().then(() => true, () => false);
    worker = registration.installing ?? worker;
    if (!found || !worker) return 'none';
    while (worker.state === 'installing') {
      await new Promise((done) => worker!.addEventListener('statechange', done, { once: true }));
    }
    return worker.state;
  });

/** The text of everything that the service worker keeps, by its address. */
const kept = (page: Page): Promise<Record<string, string>> =>
  page.evaluate(async () => {
    const texts: Record<string, string> = {};
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        texts[`${name} ${new URL(request.url).pathname}`] = await (await cache.match(request))!.text();
      }
    }
    return texts;
  });

test('visits find the next build and bring it', async ({ page, server, newBuild }) => {
  await install(page);
  // Nobody looks meanwhile.
  await page.goto('about:blank');
  const next = newBuild('next');
  await server.replace(next);
  await visit(page, next);
  await shows(page, 'Bread');
  await expect(offer(page)).toBeHidden();
});

test('one tap brings the next build to all tabs once, but not to a tab that is written in', async ({
  page, server, newBuild,
}) => {
  await install(page);
  const [idle, writing] = [await newTab(page), await newTab(page)];
  await newTodo(writing).fill('Half a sen');
  const next = newBuild('next');
  await server.replace(next);
  await wake(page);
  for (const tab of [page, idle, writing]) await isOffered(tab);
  const loads = [page, idle, writing].map(countLoads);

  await action(page, 'update').click();
  for (const tab of [page, idle]) await isOf(tab, next);
  await isOf(writing, built);
  await expect(newTodo(writing)).toHaveValue('Half a sen');
  await isOffered(writing);

  // The old build goes on beside the new one.
  await newTodo(writing).press('Enter');
  for (const tab of [page, idle, writing]) await shows(tab, 'Bread', 'Half a sen');
  await addTodo(page, 'Butter');
  await shows(writing, 'Bread', 'Half a sen', 'Butter');
  await waitSynced(writing);
  await setVisible(writing, false);
  await isOf(writing, next);
  await shows(writing, 'Bread', 'Half a sen', 'Butter');
  expect(loads.map((count) => count())).toEqual([1, 1, 1]);
});

test('a hidden tab takes the next build by itself, unless another tab is visible', async ({
  page, server, newBuild,
}) => {
  await install(page);
  const other = await newTab(page);
  const next = newBuild('next');
  await server.replace(next);
  await wake(page);
  for (const tab of [page, other]) await isOffered(tab);
  const loads = [page, other].map(countLoads);
  await setVisible(page, false);
  // The worker answers after what it was asked before.
  const waits = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((done) => (port1.onmessage = done));
    registration.waiting!.postMessage('repair', [port2]);
    await answered;
    return registration.waiting !== null;
  });
  expect(waits).toBe(true);
  expect(loads.map((count) => count())).toEqual([0, 0]);

  await setVisible(page, true);
  await newTodo(page).pressSequentially('Half a sen');
  await other.close();
  await setVisible(page, false);
  await setVisible(page, true);
  await expect(newTodo(page)).toHaveValue('Half a sen');
  await newTodo(page).fill('');
  await setVisible(page, false);
  await isOf(page, next);
  expect(loads.map((count) => count())).toEqual([1, 0]);
});

test('an open tab looks when the server greets it with the name of another build', async ({
  page, server, newBuild,
}) => {
  await install(page);
  await server.replace(newBuild('next'));
  await isOffered(page);
});

test('an open tab looks once an hour', async ({ page, server, newBuild }) => {
  await page.clock.install();
  await install(page);
  await server.replace(newBuild('next'));
  await page.clock.fastForward('01:00:00');
  await isOffered(page);
});

test('an open tab looks when the server says that it is too old', async ({ page, server, newBuild }) => {
  let isOld = false;
  await interceptFrames(page, (frame) => (isOld && frame[0] === HELLO ? outdated(frame) : undefined));
  await install(page);
  isOld = true;
  await server.replace(newBuild('next'));
  await expect(page.locator('[data-sync="update"]')).toBeAttached({ timeout: RECOVERY_TIMEOUT });
  await isOffered(page);
});

test('an older build replaces a newer one, too', async ({ page, server, newBuild }) => {
  await install(page);
  const next = newBuild('next');
  for (const build of [next, built, next]) {
    await server.replace(build);
    await wake(page);
    await action(page, 'update').click();
    await isOf(page, build);
  }
  await shows(page, 'Bread');
  await server.stop();
  await page.reload();
  await isOf(page, next);
});

test('a build that panics at start is replaced by the next', async ({ browser, server, newBuild }) => {
  // A context of its own, because this page has to report an error.
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await install(page);
  // The app panics when it hydrates a page that it didn't render.
  const broken = newBuild('broken', (script) => `document.querySelector('main')?.replaceChildren();\n${script}`);
  await server.replace(broken);
  await wake(page);
  await action(page, 'update').click();
  const banner = page.locator('#panic');
  await expect(banner).toBeVisible({ timeout: RECOVERY_TIMEOUT });
  await expect(unloaded(page)).toBeHidden();

  const next = newBuild('next');
  await server.replace(next);
  await banner.getByRole('link', { name: 'Reload' }).click();
  await isOf(page, next);
  await shows(page, 'Bread');
  await expect(banner).toBeHidden();
  await context.close();
});

for (const way of ['page', 'redirect', 'half'] as const) {
  test(`an update through a portal is refused (${way}), and the next visits heal`, async ({
    newPortal, browser, server, newBuild,
  }) => {
    const portal = await newPortal();
    // A context of its own, because the refused files are errors.
    const context = await browser.newContext({ baseURL: portal.url });
    const page = await context.newPage();
    await install(page);
    const before = await kept(page);
    const next = newBuild('next');
    portal.way = ({ url }) => (url === '/sw.js' ? 'pass' : way);
    await server.replace(next);
    expect(await outcome(page)).toBe('redundant');
    expect(await kept(page)).toEqual(before);
    portal.way = () => way;
    expect(await outcome(page)).not.toBe('installed');
    expect(await kept(page)).toEqual(before);
    await reload(page);
    await isOf(page, built);
    await shows(page, 'Bread');
    // The page itself has looked, too, and that is over now.
    expect(await outcome(page)).not.toBe('installed');

    portal.way = () => 'pass';
    await visit(page, next);
    await context.close();
  });
}

test('a build that is in use stays whole when its server comes back and is cut off', async ({
  newPortal, browser, server, newBuild,
}) => {
  const portal = await newPortal();
  const context = await browser.newContext({ baseURL: portal.url });
  const page = await context.newPage();
  await install(page);
  await server.replace(newBuild('next'));
  await wake(page);
  await isOffered(page);
  const before = await kept(page);
  portal.way = ({ url }) => (url === '/sw.js' ? 'pass' : 'half');
  await server.replace(built);
  expect(await outcome(page)).toBe('redundant');
  expect(await kept(page)).toEqual(before);
  await context.close();
});

test('a portal that comes up during the first visit leaves nothing behind', async ({
  newPortal, browser, server,
}) => {
  const portal = await newPortal();
  let asked = 0;
  // The page itself is asked for as a document, and then by the service worker.
  portal.way = ({ url, headers }) => {
    if (url !== '/' || headers['sec-fetch-dest'] !== 'empty') return 'pass';
    asked += 1;
    return 'page';
  };
  const context = await browser.newContext({ baseURL: portal.url });
  const page = await context.newPage();
  await openList(page);
  const registration = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration()) ?? null);
  await expect.poll(() => asked).toBeGreaterThan(0);
  await expect.poll(registration).toBeNull();
  expect(await kept(page)).toEqual({});

  portal.way = () => 'pass';
  await reload(page);
  await addTodo(page, 'Bread');
  await waitSynced(page);
  await waitInstalled(page);
  await server.stop();
  await reload(page);
  await shows(page, 'Bread');
  await context.close();
});

test('the page is fetched with the cookies of its site', async ({ newPortal, newPerson }) => {
  const portal = await newPortal();
  const hasCookie = ({ headers }: IncomingMessage) => headers.cookie?.includes('member=yes');
  portal.way = (request) => (hasCookie(request) ? 'pass' : 'redirect');
  const page = await newPerson({ baseURL: portal.url });
  await page.context().addCookies([{ name: 'member', value: 'yes', url: portal.url }]);
  await install(page);
  await reload(page);
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
});

for (const [file, way] of [['wasm', 'gone'], ['wasm', 'half'], ['js', 'gone'], ['js', 'half'], ['js', 'page']] as const) {
  test(`a start without its script is told, and one reload mends it (${file}, ${way})`, async ({
    newPortal, browser,
  }) => {
    const portal = await newPortal();
    const failing = ({ url }: IncomingMessage): Way => (url!.endsWith(`.${file}`) ? way : 'pass');
    portal.way = failing;
    const context = await browser.newContext({ baseURL: portal.url });
    const page = await context.newPage();
    await page.goto('/');
    await expect(unloaded(page)).toBeVisible();
    await expect(page.locator('#panic')).toBeHidden();
    // Somebody who reloads too early is told again.
    await page.reload();
    await expect(unloaded(page)).toBeVisible();
    portal.way = () => 'pass';
    await unloaded(page).getByRole('link', { name: 'Try again' }).click();
    await isReady(page);
    await expect(unloaded(page)).toBeHidden();
    await context.close();
  });
}

test('an app that has lost a file on the device gets it again, or the next build', async ({
  browser, server, newBuild,
}) => {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await install(page);
  const browserCache = await context.newCDPSession(page);
  const lose = async () => {
    await browserCache.send('Network.clearBrowserCache');
    await page.evaluate(async () => {
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) if (request.url.endsWith('.wasm')) await cache.delete(request);
      }
    });
  };
  const again = unloaded(page).getByRole('link', { name: 'Try again' });

  await lose();
  await server.stop();
  await page.reload();
  await expect(unloaded(page)).toBeVisible();
  await server.start();
  await again.click();
  await isOf(page, built);
  await server.stop();
  await reload(page);
  await shows(page, 'Bread');

  await lose();
  const next = newBuild('next');
  server.build = next;
  await server.start();
  await page.reload();
  await expect(unloaded(page)).toBeVisible();
  await again.click();
  await isOf(page, next);
  await shows(page, 'Bread');
  await context.close();
});
