// From the click on another list until its rows are drawn: for the first time on a page, and on the way back.

import { test } from '../fixtures';
import { openList } from '../actions';
import { waitInstalled, waitSynced } from '../page';
import { median, tell } from './figures';
import { makeList, total } from './lists';

const SIZES = [100, 1_000, 10_000];
const ROUNDS = 5;

for (const size of SIZES) {
  test(`going to another list of ${size} todos`, async ({ newPerson, newProfile }) => {
    const links: string[] = [];
    for (let made = 0; made < 2; made++) {
      const maker = await newPerson();
      links.push(await makeList(maker, size));
      await maker.context().close();
    }
    const profile = await newProfile();
    const page = await profile.open();
    for (const link of links) {
      await openList(page, link);
      await total(page, size);
      await waitSynced(page);
    }
    await waitInstalled(page);
    const [one, other] = links.map((link) => new URL(link).pathname);
    const first: number[] = [];
    const again: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      await openList(page, one);
      await total(page, size);
      await waitSynced(page);
      const times = [];
      for (const list of [other, one, other]) {
        times.push(await page.evaluate(go, list));
        await total(page, size);
        await waitSynced(page);
      }
      // The first is there to warm up.
      if (round === 0) continue;
      first.push(times[0]);
      again.push(times[1], times[2]);
    }
    tell(`switch_${size}_first_ms`, median(first), 'ms');
    tell(`switch_${size}_again_ms`, median(again), 'ms');
  });
}

/** Runs in the page. */
async function go(list: string): Promise<number> {
  const find = (selector: string) => document.querySelector<HTMLElement>(selector);
  const [link, before] = [find(`nav.lists a[href="${list}"]`), find('.todo-list li')];
  if (!link || !before) throw new Error(`nothing to go from, or no way to ${list}`);
  const isDrawn = () => location.pathname === list && !before.isConnected && find('.todo-list li');
  const start = performance.now();
  link.click();
  while (!isDrawn()) await new Promise(requestAnimationFrame);
  // A message comes once the frame was painted.
  await new Promise((painted) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = painted;
      port2.postMessage(undefined);
    }),
  );
  return performance.now() - start;
}
