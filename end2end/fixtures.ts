// Playwright's `test` with a real server, people (each with a browser of their own), and faults.

import {
  test as base,
  expect,
  type BrowserContext,
  type BrowserContextOptions,
  type LaunchOptions,
  type Page,
} from '@playwright/test';
import { secrets } from './actions';
import { Variants, built, type Build, type Change } from './builds';
import { allowClipboard, launchOptions, newContext } from './browser';
import { Crowd } from './crowd';
import { PageErrors } from './page_errors';
import { Portal } from './portal';
import { Profile } from './profile';
import { NetworkProxy } from './proxy';
import { Server } from './server';

export { expect };
export type { Page, Profile, Server };

type Fixtures = {
  server: Server;
  pageErrors: PageErrors;
  /** A new person, with an empty browser. */
  newPerson: (options?: BrowserContextOptions) => Promise<Page>;
  /** A new person whose browser can be closed and opened again. */
  newProfile: (options?: LaunchOptions) => Promise<Profile>;
  /** A proxy in front of the server that can break connections. It has an address of its own. */
  newProxy: () => Promise<NetworkProxy>;
  /** Native clients that write to the list of a link. */
  newCrowd: typeof Crowd.start;
  /** Another build of the app, which differs from the built one in all files, and by a change. */
  newBuild: (name: string, change?: Change) => Build;
  /** A network between browser and server that answers by itself. It has an address of its own. */
  newPortal: () => Promise<Portal>;
  /** Crashes the process of the page, as a browser does when it runs out of memory. */
  crash: (page: Page) => Promise<void>;
  goOffline: (page: Page) => Promise<void>;
  goOnline: (page: Page) => Promise<void>;
};

export const test = base.extend<Fixtures, { settee: Server }>({
  // One process and one data folder for each worker. Each test makes its own lists.
  settee: [
    async ({}, use) => {
      const server = new Server();
      try {
        await server.start();
        await use(server);
        expect(server.found(secrets), 'secrets in what the server keeps or has written').toEqual([]);
      } finally {
        await server.dispose();
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  // The server is running when a test begins, without flags, whatever the previous test did.
  server: async ({ settee }, use) => {
    if (settee.build !== built) await settee.replace(built);
    if (!settee.isRunning) await settee.start();
    settee.wasUnreachable = false;
    await use(settee);
    settee.thaw();
    if (settee.flags.length > 0) {
      settee.flags = [];
      await settee.stop();
    }
  },
  baseURL: async ({ server }, use) => use(server.url),

  pageErrors: async ({ server }, use) => {
    const pageErrors = new PageErrors(server);
    await use(pageErrors);
    pageErrors.check();
  },

  // Depends on `newProxy`, so that pages are closed before their proxy and no request fails.
  newPerson: async ({ browser, pageErrors, baseURL, newProxy: _, newPortal: __ }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await newContext(browser, { baseURL, ...options });
      contexts.push(context);
      pageErrors.listenTo(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },

  page: async ({ newPerson }, use) => use(await newPerson()),

  newProfile: async ({ playwright, pageErrors, baseURL, newProxy: _ }, use) => {
    const profiles: Profile[] = [];
    await use(async (options) => {
      const profile = new Profile(async (directory) => {
        const context = await playwright.chromium.launchPersistentContext(directory, {
          ...launchOptions,
          ...options,
          baseURL,
        });
        pageErrors.listenTo(context);
        await allowClipboard(context);
        return context;
      });
      profiles.push(profile);
      return profile;
    });
    for (const profile of profiles) await profile.dispose();
  },

  newProxy: async ({ server }, use) => {
    const proxies: NetworkProxy[] = [];
    await use(async () => {
      const proxy = await NetworkProxy.start(server);
      proxies.push(proxy);
      return proxy;
    });
    for (const proxy of proxies) proxy.close();
  },

  newCrowd: async ({ server: _ }, use) => {
    const crowds: Crowd[] = [];
    await use(async (...options) => {
      const crowd = await Crowd.start(...options);
      crowds.push(crowd);
      return crowd;
    });
    for (const crowd of crowds) crowd.kill();
  },

  newBuild: async ({}, use) => {
    const variants = new Variants();
    await use((name, change) => variants.add(name, change));
    variants.dispose();
  },

  newPortal: async ({ server }, use) => {
    const portals: Portal[] = [];
    await use(async () => {
      const portal = await Portal.start(server);
      portals.push(portal);
      return portal;
    });
    for (const portal of portals) portal.close();
  },

  crash: async ({ pageErrors }, use) =>
    use(async (page) => {
      pageErrors.expectCrash(page);
      const browser = await page.context().newCDPSession(page);
      const crashed = page.waitForEvent('crash');
      // The page has crashed, so the command gets no answer.
      browser.send('Page.crash').catch(() => {});
      await crashed;
    }),

  goOffline: async ({ pageErrors }, use) =>
    use(async (page) => {
      pageErrors.expectLostConnection(page.context());
      await page.context().setOffline(true);
    }),
  goOnline: async ({}, use) => use((page) => page.context().setOffline(false)),
});
