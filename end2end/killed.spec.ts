// The whole browser is killed while somebody types: what the app has counted as kept is there.
//
// With the server dead, `data-pending` counts the documents that are in the store and wait for
// the server. So when it says N, a kill must leave N todos, and those typed first.

import {
  expect, isReady, openList, status, test, titles, waitInstalled, waitSynced, type Page, type Profile,
} from './fixtures';

/** Each profile is new and is opened once with the server alive; then it is killed so often. */
const PROFILES = 2;
const KILLS = 15;
/** Kills come within this time from when a page is asked for, or from when it is typed on. */
const WITHIN = 700;

// A bound for a machine that is busy with other tests.
test.describe.configure({ timeout: 300_000 });
test.skip(process.platform !== 'linux', 'it looks for processes as Linux shows them');
// Traces would take more time than all the rest.
test.use({ trace: 'off', screenshot: 'off' });

/** Mulberry32: the same moments in every run, as far as a machine can repeat them. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Has every page of the profile tell what it counts as kept, as soon as it is shown. */
async function openReporting(profile: Profile, report: (pending: number) => void): Promise<Page> {
  const page = await profile.open();
  await page.exposeFunction('report', report);
  await page.addInitScript(() => {
    const look = () => {
      const pending = document.querySelector('[data-sync]')?.getAttribute('data-pending');
      if (pending) (window as unknown as { report: (n: number) => void }).report(Number(pending));
    };
    new MutationObserver(look).observe(document, {
      subtree: true, childList: true, attributes: true, attributeFilter: ['data-pending'],
    });
  });
  return page;
}

/** Types `todo from`, `todo from+1` and so on, one in every turn of the page, without an end. */
const typeOn = (page: Page, from: number): Promise<void> =>
  page.evaluate((from) => {
    const input = document.querySelector<HTMLInputElement>('.new-todo')!;
    const next = (n: number) => {
      input.value = `todo ${n}`;
      input.dispatchEvent(new Event('input', { bubbles: true }));
      for (const kind of ['keydown', 'keypress', 'keyup']) {
        input.dispatchEvent(
          new KeyboardEvent(kind, { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true, cancelable: true }),
        );
      }
      setTimeout(next, 0, n + 1);
    };
    next(from);
  }, from);

/** Waits until all that is kept is shown, and checks that it is the first of what was typed. */
async function readBack(page: Page, kept: number): Promise<number> {
  await isReady(page);
  const shown = async () => {
    const pending = Number(await status(page).getAttribute('data-pending'));
    return (await titles(page)).length === pending ? pending : -1;
  };
  await expect
    .poll(shown, { intervals: [20], message: 'all that was kept is shown' })
    .toBeGreaterThanOrEqual(kept);
  const read = await titles(page);
  expect(read, 'no more than what was typed, and no hole').toEqual(
    read.map((_, at) => `todo ${at + 1}`),
  );
  return read.length;
}

for (let number = 1; number <= PROFILES; number++) {
  test(`a browser killed while somebody types has kept what it said it had (${number})`, async ({
    newProfile, server,
  }) => {
    const random = seeded(number);
    const profile = await newProfile();
    const pause = () => new Promise((done) => setTimeout(done, random() * WITHIN));
    let kept = 0;
    let opened = 0;
    const report = (pending: number) => (kept = Math.max(kept, pending));

    const first = await profile.open();
    await openList(first);
    await waitInstalled(first);
    await waitSynced(first);
    await profile.close();
    await server.kill();

    for (let kill = 0; kill < KILLS; kill++) {
      const page = await openReporting(profile, report);
      if (kill % 4 === 3) {
        // While the app starts, however far it gets.
        page.goto('/').catch(() => {});
        await pause();
      } else {
        await page.goto('/');
        const there = await readBack(page, kept);
        opened += 1;
        await typeOn(page, there + 1);
        await pause();
      }
      await profile.kill();
    }
    const page = await openReporting(profile, report);
    await page.goto('/');
    const there = await readBack(page, kept);
    const description = `${opened} of ${KILLS} while typing; ${kept} counted as kept, ${there} found`;
    test.info().annotations.push({ type: 'kills', description });
    expect(kept, 'something was kept before a kill').toBeGreaterThan(opened);
  });
}
