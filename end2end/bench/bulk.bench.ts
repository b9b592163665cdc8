// A very long list arrives in an empty profile, and is opened again. No rows are shown, so that it is
// storage, sync and the collection that are measured.

import { type Page } from '@playwright/test';
import { test } from '../fixtures';
import { isReady, waitInstalled, waitSynced } from '../page';
import { tell } from './figures';
import { makeList, total } from './lists';

const SIZE = 100_000;

test(`${SIZE} todos arrive`, async ({ newPerson, newProfile }) => {
  const maker = await newPerson();
  await showNone(maker);
  const link = await makeList(maker, SIZE);
  await maker.context().close();
  const profile = await newProfile();
  const page = await profile.open();
  await showNone(page);
  const [arrived, list] = await timed(async () => {
    await page.goto(link);
    await total(page, SIZE);
    await waitSynced(page);
    return page.url();
  });
  await waitInstalled(page);
  await page.close();
  const again = await page.context().newPage();
  await showNone(again);
  const [opened] = await timed(async () => {
    await again.goto(list);
    await isReady(again);
    await total(again, SIZE);
  });
  tell('bulk100k_arrived_ms', arrived, 'ms');
  tell('bulk100k_opened_ms', opened, 'ms');
});

/** Shows completed todos alone, as soon as the address has no secret any more. */
const showNone = (page: Page): Promise<void> =>
  page.addInitScript(() =>
    setInterval(() => {
      if (!location.hash) location.hash = '#/completed';
    }, 1),
  );

async function timed<T>(what: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now();
  const outcome = await what();
  return [performance.now() - start, outcome];
}
