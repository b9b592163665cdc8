// What a tab takes in memory for each todo of its list, with all rows on the page.

import { readdirSync, readFileSync } from 'node:fs';
import { openList } from '../actions';
import { test } from '../fixtures';
import { waitSynced } from '../page';
import { tell } from './figures';
import { makeList, total } from './lists';

const SIZES = [10_000, 50_000];
/** Milliseconds in which the page's process gives back what it no longer needs. */
const REST = 5_000;

for (const size of SIZES) {
  test(`memory of ${size} todos`, async ({ newPerson, newProfile }) => {
    const maker = await newPerson();
    const link = await makeList(maker, size);
    await maker.context().close();
    const profile = await newProfile();
    const page = await profile.open();
    const browser = await page.context().newCDPSession(page);
    const settled = async () => {
      await browser.send('HeapProfiler.collectGarbage');
      await new Promise((done) => setTimeout(done, REST));
      return memoryOfPages();
    };
    await openList(page);
    const before = await settled();
    await openList(page, link);
    await total(page, size);
    const areThere = (size: number) => document.querySelectorAll('.todo-list li').length === size;
    await page.waitForFunction(areThere, size, { timeout: 300_000 });
    await waitSynced(page);
    tell(`memory_${size}_kb_per_todo`, ((await settled()) - before) / size / 1_000, 'kB');
  });
}

/** Bytes of all processes of pages on this machine, without what they share with others. */
function memoryOfPages(): number {
  const pages = readdirSync('/proc').filter((id) => /^\d+$/.test(id) && read(id, 'cmdline').includes('--type=renderer'));
  const sizes = pages.map((id) => Number(read(id, 'smaps_rollup').match(/^Pss:\s+(\d+) kB/m)?.[1] ?? 0));
  return 1_024 * sizes.reduce((sum, size) => sum + size, 0);
}

/** A process may have ended meanwhile. */
function read(id: string, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
