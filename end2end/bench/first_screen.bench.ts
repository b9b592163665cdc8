// From the navigation to a list that is drawn and answers, at the second visit: the service worker is
// in control, and the device has the list.

import type { Page } from '@playwright/test';
import { remove } from '../actions';
import { expect, test, type Profile } from '../fixtures';
import { isReady, waitInstalled, waitSynced } from '../page';
import { medians, tell } from './figures';
import { makeList, total } from './lists';
import { watchStart, type Start } from './start';

/** What to measure, unless these variables of the environment name less, by commas. */
const numbers = (variable: string, all: number[]) => process.env[variable]?.split(',').map(Number) ?? all;
const SIZES = numbers('SETTEE_SIZES', [0, 100, 1_000, 10_000, 50_000]);
/** How many times slower than it is the processor seems to the page. */
const SLOWER = numbers('SETTEE_SLOWER', [1, 4, 6]);
const ROUNDS = 5;
/** Milliseconds until the process of a closed page has ended, which would take a processor meanwhile. */
const REST = 2_000;

for (const size of SIZES) {
  test(`first screen of ${size} todos`, async ({ newPerson, newProfile }) => {
    const maker = await newPerson();
    const link = await makeList(maker, size);
    await maker.context().close();
    const profile = await newProfile();
    let page = await profile.open();
    await page.goto(link);
    await isReady(page);
    if (size > 0) await total(page, size);
    await waitSynced(page);
    await waitInstalled(page);
    const list = page.url();
    for (const slower of SLOWER) {
      const runs: Start[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        let run;
        [page, run] = await visit(page, list, size, slower);
        // The first is there to warm up.
        if (round > 0) runs.push(run);
      }
      const suffix = slower === 1 ? '' : `_${slower}x`;
      for (const [name, value] of Object.entries(medians(runs))) {
        const isScore = name === 'shift' || name === 'empty_frames';
        tell(`first_${size}_${name}${isScore ? '' : '_ms'}${suffix}`, value, isScore ? 'score' : 'ms');
      }
    }
  });
}

/** Closes the page that was there, and opens the list in another tab. */
async function visit(before: Page, list: string, size: number, slower: number): Promise<[Page, Start]> {
  const page = await before.context().newPage();
  await before.close();
  await page.addInitScript(watchStart, size);
  const browser = await page.context().newCDPSession(page);
  await browser.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await new Promise((done) => setTimeout(done, REST));
  await page.goto(list);
  const start = await page.evaluate(() => window.start);
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  await browser.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await isReady(page);
  if (size === 0) await remove(page, 'A todo');
  await waitSynced(page);
  return [page, start];
}
