// Several tabs of one browser.

import type { BrowserContext, Locator, Page, WebSocket } from '@playwright/test';

/** Matches if this tab is the leader, which syncs for all tabs of its browser. */
export const leader = (page: Page): Locator => page.locator('body[data-leader]');

export const isLeader = async (page: Page): Promise<boolean> => (await leader(page).count()) > 0;

/** Counts the open WebSockets of each page. Call it before the pages are opened. */
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

/** Makes the page believe that its tab was hidden, or shown again. */
export const setVisible = (page: Page, visible: boolean): Promise<void> =>
  page.evaluate((visible) => {
    const state = { visibilityState: visible ? 'visible' : 'hidden', hidden: !visible };
    for (const [name, value] of Object.entries(state)) {
      Object.defineProperty(document, name, { configurable: true, get: () => value });
    }
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, visible);

/**
 * Freezes a page: none of its code runs, and it keeps its locks and connections. The debugger does
 * this, because the browser itself freezes no visible page, and all pages of a test count as visible.
 * Returns a function that thaws the page.
 */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const browser = await page.context().newCDPSession(page);
  await browser.send('Debugger.enable');
  const paused = new Promise((done) => browser.once('Debugger.paused', done));
  await browser.send('Debugger.pause');
  await paused;
  return () => browser.detach();
}
