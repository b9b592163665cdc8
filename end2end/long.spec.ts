// What a long list costs the browser.

import { openList, writeMany } from './actions';
import { expect, test, type Page } from './fixtures';
import { row, rows, waitSynced } from './page';

const ROWS = 400;

/** Records how many elements the browser styles anew while `act` runs. */
async function styled(page: Page, act: () => Promise<void>): Promise<number> {
  const browser = await page.context().newCDPSession(page);
  let count = 0;
  browser.on('Tracing.dataCollected', ({ value }) => {
    for (const { name, args } of value as { name: string; args: { elementCount?: number } }[]) {
      if (name === 'UpdateLayoutTree') count += args.elementCount ?? 0;
    }
  });
  const over = new Promise((done) => browser.once('Tracing.tracingComplete', done));
  await browser.send('Tracing.start', { traceConfig: { includedCategories: ['devtools.timeline'] } });
  await act();
  await browser.send('Tracing.end');
  await over;
  await browser.detach();
  return count;
}

test('a row that moves leaves the style of the others alone, also while the page loads', async ({ page }) => {
  await openList(page);
  await writeMany(page, 'Item', ROWS);
  await waitSynced(page);
  for (const isReady of [true, false]) {
    // Some rules are there for pages that load.
    await page.evaluate((is) => {
      document.body.toggleAttribute('data-ready', is);
      // So that what this changes isn't counted.
      return getComputedStyle(document.body).color;
    }, isReady);
    const count = await styled(page, async () => {
      await row(page, 'Item 1').locator('.toggle').press('Alt+ArrowDown');
      await expect(row(page, 'Item 1').locator('.toggle')).toBeFocused();
    });
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(ROWS);
  }
});

test('rows that leave the page leave the memory', async ({ page }) => {
  await openList(page);
  await writeMany(page, 'Item', ROWS);
  await waitSynced(page);
  const browser = await page.context().newCDPSession(page);
  const nodes = async () => {
    await browser.send('HeapProfiler.collectGarbage');
    return (await browser.send('Memory.getDOMCounters')).nodes;
  };
  const filter = (name: string) => page.locator('.filters').getByText(name, { exact: true }).click();
  const before = await nodes();
  for (let turn = 0; turn < 5; turn++) {
    await filter('Completed');
    await expect(rows(page)).toHaveCount(0);
    await filter('All');
    await expect(rows(page)).toHaveCount(ROWS);
  }
  // A row has five elements and a text.
  await expect.poll(nodes).toBeLessThan(before + 5 * ROWS);
});
