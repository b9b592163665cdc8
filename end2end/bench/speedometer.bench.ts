// A hundred todos are added, completed and deleted, as Speedometer does it: by events that are dispatched
// one after the other, and until the page shows the outcome. Settee saves and syncs, the others keep their
// todos in memory.

import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openList } from '../actions';
import { built } from '../builds';
import { expect, test } from '../fixtures';
import { waitInstalled, waitSynced } from '../page';
import { medians, tell } from './figures';

const COUNT = 100;
const ROUNDS = 9;
const PEERS = ['preact', 'react', 'svelte', 'vanilla', 'vue'];
/** Where the peers are; nobody is asked for it. */
const SITE = 'http://peers.localhost';
const FOLDER = resolve(import.meta.dirname, '../../bench/peers/todomvc/dist');

type Step = 'add' | 'complete' | 'delete';
type Run = Record<Step, number>;

test(`add, complete and delete ${COUNT} todos`, async ({ newProfile }) => {
  const profile = await newProfile();
  const first = await profile.open();
  const context = first.context();
  await context.route(`${SITE}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    const path = pathname === '/settee.css' ? join(built.site, 'pkg', built.stylesheet) : join(FOLDER, pathname);
    return route.fulfill({ path: pathname.endsWith('/') ? join(path, 'index.html') : path });
  });
  await openList(first);
  await waitInstalled(first);
  await first.close();

  const runs: Record<string, Run[]> = { settee: [] };
  for (const peer of PEERS) runs[peer] = [];
  // They take turns, and the first turn is there to warm up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [system, measured] of Object.entries(runs)) {
      const page = await context.newPage();
      if (system === 'settee') await openList(page);
      else await page.goto(`${SITE}/${system}/`);
      await expect(page.locator('.new-todo')).toBeVisible();
      const run = await page.evaluate(addCompleteDelete, COUNT);
      if (system === 'settee') await waitSynced(page);
      if (round > 0) measured.push(run);
      await page.close();
    }
  }
  for (const [system, measured] of Object.entries(runs)) {
    const { add, complete, delete: removed } = medians(measured);
    tell('add100_ms', add, 'ms', system);
    tell('complete100_ms', complete, 'ms', system);
    tell('delete100_ms', removed, 'ms', system);
    tell('add_complete_delete100_ms', add + complete + removed, 'ms', system);
  }
});

/** Runs in the page. */
async function addCompleteDelete(count: number): Promise<Run> {
  const find = <E extends Element>(selector: string) => [...document.querySelectorAll<E>(selector)];
  const steps: Record<Step, { act: () => void; isDone: () => boolean }> = {
    add: {
      act: () => {
        const [field] = find<HTMLInputElement>('.new-todo');
        for (let n = 1; n <= count; n++) {
          field.value = `Something to do ${n}`;
          field.dispatchEvent(new Event('input', { bubbles: true }));
          const key = { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true, cancelable: true };
          field.dispatchEvent(new KeyboardEvent('keydown', key));
        }
      },
      isDone: () => find('.todo-list li').length === count,
    },
    complete: {
      act: () => find<HTMLInputElement>('.toggle').forEach((toggle) => toggle.click()),
      isDone: () => find('.todo-list li.completed').length === count,
    },
    delete: {
      act: () => find<HTMLButtonElement>('.destroy').forEach((button) => button.click()),
      isDone: () => find('.todo-list li').length === 0,
    },
  };
  const frame = () => new Promise(requestAnimationFrame);
  const task = () => new Promise((done) => setTimeout(done, 0));
  const run: Partial<Run> = {};
  for (const step of ['add', 'complete', 'delete'] as const) {
    const { act, isDone } = steps[step];
    // What came before is over.
    for (let n = 0; n < 10; n++) await frame();
    await task();
    await frame();
    // In a frame's callback, so that the time includes style, layout and paint of this frame.
    const start = performance.now();
    act();
    await task();
    while (!isDone()) await task();
    document.body.getBoundingClientRect();
    run[step] = performance.now() - start;
  }
  return run as Run;
}
