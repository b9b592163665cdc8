// Somebody types while others change the list: from a key press to the frame that shows the character.

import type { Page } from '@playwright/test';
import { openList } from '../actions';
import { expect, test } from '../fixtures';
import { waitSynced } from '../page';
import { percentile, tell } from './figures';
import { makeList, total } from './lists';

const SIZE = 1_000;
const CHANGES = 10_000;
/** Others, and the milliseconds between two changes of one. */
const CLIENTS = 4;
const PAUSE = 4;
/** Milliseconds between two keys: a fast typist. */
const KEY = 40;

type Typed = { keys: number[]; tasks: number[]; frames: number[] };

test(`typing while ${CHANGES} changes arrive`, async ({ server, newPerson, newProfile, newCrowd }) => {
  const maker = await newPerson();
  const link = await makeList(maker, SIZE);
  await maker.context().close();
  const profile = await newProfile();
  const page = await profile.open();
  await openList(page, link);
  await total(page, SIZE);
  await waitSynced(page);

  await page.evaluate(watchTyping);
  const crowd = await newCrowd(server.url, link, CLIENTS, PAUSE);
  // A page has a machine of its own.
  crowd.giveWay();
  server.giveWay();
  let isOver = false;
  const over = crowd.finish(CHANGES).then(() => (isOver = true));
  const typing = type(page, () => isOver);
  await over;
  const pressed = await typing;
  const typed = await page.evaluate(() => window.typed());
  expect(typed.keys.length).toBe(pressed);
  await total(page, SIZE + crowd.acknowledged.length);
  tell('typing_p50_ms', percentile(typed.keys, 50), 'ms');
  tell('typing_p99_ms', percentile(typed.keys, 99), 'ms');
  tell('typing_max_ms', Math.max(...typed.keys), 'ms');
  tell('typing_longest_task_ms', Math.max(0, ...typed.tasks), 'ms');
  tell('typing_longest_frame_ms', Math.max(0, ...typed.frames), 'ms');
  tell('typing_keys', pressed, 'count');
});

/** Types until it is over. Returns the number of keys. */
async function type(page: Page, isOver: () => boolean): Promise<number> {
  const browser = await page.context().newCDPSession(page);
  await page.locator('.new-todo').focus();
  const sent: Promise<unknown>[] = [];
  const key = { key: 'a', code: 'KeyA', text: 'a' };
  while (!isOver()) {
    // A typist doesn't wait for the page.
    sent.push(browser.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key }));
    sent.push(browser.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key }));
    await new Promise((done) => setTimeout(done, KEY));
  }
  await Promise.all(sent);
  return sent.length / 2;
}

declare global {
  interface Window {
    typed: () => Typed;
  }
}

/** Runs in the page. */
function watchTyping(): void {
  const field = document.querySelector<HTMLInputElement>('.new-todo')!;
  const [keys, tasks, frames]: number[][] = [[], [], []];
  let pressed = 0;
  field.addEventListener('keydown', ({ timeStamp }) => (pressed = timeStamp));
  field.addEventListener('input', () => {
    if (field.value.length >= 40) field.value = '';
    const since = pressed;
    // A message comes once the frame was painted.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => keys.push(performance.now() - since);
      port2.postMessage(undefined);
    });
  });
  const watch = (type: string, durations: number[]) =>
    new PerformanceObserver((list) => durations.push(...list.getEntries().map(({ duration }) => duration))).observe({ type });
  watch('longtask', tasks);
  watch('long-animation-frame', frames);
  window.typed = () => ({ keys, tasks, frames });
}
