// The time from a click on another list in the side bar until its rows are painted: a list that the page has
// open still, and one that it has to open.

import type { Page } from '@playwright/test';
import { openList } from '../actions';
import { test } from '../fixtures';
import { action, isReady, waitSynced } from '../page';
import { median, tell } from './figures';
import { makeList } from './lists';

const SIZES = [100, 1_000];
const TIMES = 9;

for (const size of SIZES) {
  test(`switching to a list of ${size}`, async ({ newPerson }) => {
    const maker = await newPerson();
    const link = await makeList(maker, size);
    await maker.context().close();
    const page = await (await newPerson()).context().newPage();
    await openList(page);
    const name = new URL(page.url()).pathname;
    await openList(page, link);
    await waitSynced(page);
    const first = new URL(link).pathname;
    const opened: number[] = [];
    const again: number[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      await page.goto(name);
      await isReady(page);
      await action(page, 'new-list').waitFor();
      opened.push(await switched(page, first));
      await switched(page, name);
      again.push(await switched(page, first));
    }
    tell(`switch_${size}_opened_ms`, median(opened), 'ms');
    tell(`switch_${size}_again_ms`, median(again), 'ms');
  });
}

/** Clicks on a list, and waits until a frame with the list has been painted. */
const switched = (page: Page, path: string): Promise<number> =>
  page.evaluate(async (path) => {
    const link = document.querySelector<HTMLElement>(`nav.lists a[href="${path}"]`)!;
    const hasRows = path !== '/';
    const start = performance.now();
    link.click();
    const isThere = () =>
      location.pathname === path && (document.querySelector('.todo-list li') !== null) === hasRows;
    while (!isThere()) await new Promise(requestAnimationFrame);
    // The frame after that comes once this one is painted.
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
  }, path);
