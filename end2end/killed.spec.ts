// The browser is killed while somebody types: every todo that the app has counted as saved survives.
//
// With the server dead, `data-pending` counts the documents that are in the store and wait for the
// server. So if it says N, the first N todos that were typed must survive a kill.

import { openList } from './actions';
import { expect, test, type Page, type Profile } from './fixtures';
import { isReady, status, titles, waitInstalled, waitSynced } from './page';

/** Each new profile is opened once with a running server, then killed `KILLS` times. */
const PROFILES = 2;
const KILLS = 15;
/** Maximum delay of a kill after the page is opened or typing begins, in milliseconds. */
const MAX_DELAY = 700;

// Long enough for a machine that is busy with other tests.
test.describe.configure({ timeout: 300_000 });
test.skip(process.platform !== 'linux', 'it finds processes by /proc');
test.use({ screenshot: 'off' });

/** Mulberry32, so that the delays are the same in every run. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Opens a page that reports `data-pending` as soon as it changes. */
async function openReporting(profile: Profile, report: (pending: number) => void): Promise<Page> {
  const page = await profile.open();
  await page.exposeFunction('report', report);
  await page.addInitScript(() => {
    const read = () => {
      const pending = document.querySelector('[data-sync]')?.getAttribute('data-pending');
      if (pending) (window as unknown as { report: (n: number) => void }).report(Number(pending));
    };
    new MutationObserver(read).observe(document, {
      subtree: true, childList: true, attributes: true, attributeFilter: ['data-pending'],
    });
  });
  return page;
}

/** Types `todo from`, `todo from+1` and so on without end, one in each turn of the event loop. */
const keepTyping = (page: Page, from: number): Promise<void> =>
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

/** Waits until all saved todos are shown, and checks that they are the first that were typed. */
async function readBack(page: Page, saved: number): Promise<number> {
  await isReady(page);
  const shown = async () => {
    const pending = Number(await status(page).getAttribute('data-pending'));
    return (await titles(page)).length === pending ? pending : -1;
  };
  await expect
    .poll(shown, { intervals: [20], message: 'all saved todos are shown' })
    .toBeGreaterThanOrEqual(saved);
  const read = await titles(page);
  expect(read, 'the first todos that were typed, without a gap').toEqual(
    read.map((_, at) => `todo ${at + 1}`),
  );
  return read.length;
}

for (let number = 1; number <= PROFILES; number++) {
  test(`a browser that is killed while somebody types keeps every todo that it counted as saved (${number})`, async ({
    newProfile, server,
  }) => {
    const random = seeded(number);
    const profile = await newProfile();
    const pause = () => new Promise((done) => setTimeout(done, random() * MAX_DELAY));
    let saved = 0;
    let opened = 0;
    const report = (pending: number) => (saved = Math.max(saved, pending));

    const first = await profile.open();
    await openList(first);
    await waitInstalled(first);
    await waitSynced(first);
    await profile.close();
    await server.kill();

    for (let kill = 0; kill < KILLS; kill++) {
      const page = await openReporting(profile, report);
      if (kill % 4 === 3) {
        // Killed while the app starts.
        page.goto('/').catch(() => {});
        await pause();
      } else {
        await page.goto('/');
        const there = await readBack(page, saved);
        opened += 1;
        await keepTyping(page, there + 1);
        await pause();
      }
      await profile.kill();
    }
    const page = await openReporting(profile, report);
    await page.goto('/');
    const there = await readBack(page, saved);
    const description = `${opened} of ${KILLS} while typing; ${saved} counted as saved, ${there} found`;
    test.info().annotations.push({ type: 'kills', description });
    expect(saved, 'todos were saved before the kills').toBeGreaterThan(opened);
  });
}
