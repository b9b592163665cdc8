// One tab of a browser, the leader, syncs for all of them.

import { addTodo, copyLink, newTab, openList, together, writeMany } from './actions';
import { expect, test, type Page } from './fixtures';
import { agree, row, rows, shows, status, titles, waitOffline, waitSynced } from './page';
import { logLength } from './storage';
import { countSockets, freeze, isLeader, leader, setVisible } from './tabs';

// Chromium draws a tab in the background about once a second while another is frozen, and pages wait for
// frames. While it records, it draws all of them.
test.use({ trace: { mode: 'retain-on-failure', snapshots: false } });

/** Maximum time until a visible tab has taken over, in milliseconds. */
const TAKEOVER_TIMEOUT = 3_000;

/** Opens the first list in `count` tabs of one browser. The first tab is the leader. */
async function openTabs(first: Page, count: number): Promise<Page[]> {
  await openList(first);
  await expect(leader(first)).toBeAttached();
  const tabs = [first];
  while (tabs.length < count) tabs.push(await newTab(first));
  return tabs;
}

/** Waits until exactly one of these tabs is the leader, and returns it. */
async function waitForLeader(tabs: Page[], timeout = TAKEOVER_TIMEOUT): Promise<Page> {
  let leaders: Page[] = [];
  await expect
    .poll(
      async () => {
        const lead = await Promise.all(tabs.map(isLeader));
        leaders = tabs.filter((_, at) => lead[at]);
        return leaders.length;
      },
      { message: 'one tab is the leader', timeout, intervals: [50] },
    )
    .toBe(1);
  return leaders[0];
}

/** Waits until one of these tabs is the leader, reports how long that took, and returns the tab. */
async function waitForTakeover(tabs: Page[], what: string): Promise<Page> {
  const since = Date.now();
  const next = await waitForLeader(tabs);
  test.info().annotations.push({ type: 'take-over', description: `${what}: ${Date.now() - since} ms` });
  console.log(`take-over, ${what}: ${Date.now() - since} ms`);
  return next;
}

/** Another person on the same list, who sees only what has reached the server. */
async function invite(page: Page, newPerson: () => Promise<Page>): Promise<Page> {
  await addTodo(page, 'Bread');
  await waitSynced(page);
  const link = await copyLink(page);
  const other = await newPerson();
  await openList(other, link);
  await shows(other, 'Bread');
  return other;
}

test('exactly one of three tabs has a connection, and all show its state', async ({ page, newPerson }) => {
  const sockets = countSockets(page.context());
  const [one, two, three] = await openTabs(page, 3);
  const bert = await invite(two, newPerson);
  expect([one, two, three].map(sockets)).toEqual([1, 0, 0]);

  await addTodo(three, 'Butter');
  await shows(bert, 'Bread', 'Butter');
  await addTodo(bert, 'Jam');
  for (const tab of [one, two, three]) {
    await shows(tab, 'Bread', 'Butter', 'Jam');
    await waitSynced(tab);
  }
  expect([one, two, three].map(sockets)).toEqual([1, 0, 0]);
  expect(await waitForLeader([one, two, three])).toBe(one);
});

test('three tabs that write concurrently lose nothing', async ({ page, newPerson }) => {
  const tabs = await openTabs(page, 3);
  const bert = await invite(page, newPerson);
  await Promise.all(tabs.map((tab, at) => writeMany(tab, `tab ${at}`, 40)));
  const all = ['Bread'];
  for (let n = 1; n <= 40; n++) all.push(`tab 0 ${n}`, `tab 1 ${n}`, `tab 2 ${n}`);
  for (const tab of tabs) {
    await expect(rows(tab)).toHaveCount(all.length);
    await waitSynced(tab);
    const seen = await agree(tab, bert);
    expect(seen.toSorted()).toEqual(all.toSorted());
  }
});

test('another tab takes over when the leader is closed', async ({ page, newPerson }) => {
  const sockets = countSockets(page.context());
  const [one, ...others] = await openTabs(page, 3);
  const bert = await invite(one, newPerson);
  await one.close();
  const next = await waitForTakeover(others, 'closed');
  await addTodo(others[0], 'Butter');
  await addTodo(others[1], 'Jam');
  await shows(bert, 'Bread', 'Butter', 'Jam');
  expect(others.map(sockets)).toEqual(others.map((tab) => (tab === next ? 1 : 0)));
});

test('a visible tab takes over when the leader is hidden', async ({ page, newPerson }) => {
  const sockets = countSockets(page.context());
  const [one, two, three] = await openTabs(page, 3);
  const bert = await invite(one, newPerson);
  await setVisible(two, false);
  await setVisible(one, false);
  expect(await waitForTakeover([one, two, three].slice(2), 'hidden')).toBe(three);
  await expect(leader(one)).not.toBeAttached();
  await addTodo(one, 'Butter');
  await shows(bert, 'Bread', 'Butter');
  for (const tab of [one, two, three]) await waitSynced(tab);
  await expect.poll(() => [one, two, three].map(sockets)).toEqual([0, 0, 1]);

  // No tab is visible, so the leader stays.
  await setVisible(three, false);
  await addTodo(two, 'Jam');
  await shows(bert, 'Bread', 'Butter', 'Jam');
  await setVisible(one, true);
  expect(await waitForTakeover([one], 'shown again')).toBe(one);
});

test('a visible tab takes over when the leader is frozen, and the thawed one follows', async ({
  page, newPerson,
}) => {
  const sockets = countSockets(page.context());
  const [one, two] = await openTabs(page, 2);
  const bert = await invite(one, newPerson);
  const thaw = await freeze(one);
  expect(await waitForTakeover([two], 'frozen')).toBe(two);
  await addTodo(two, 'Butter');
  // What two people add at the same time may be in either order.
  await shows(bert, 'Bread', 'Butter');
  await addTodo(bert, 'Jam');
  await shows(bert, 'Bread', 'Butter', 'Jam');
  await shows(two, 'Bread', 'Butter', 'Jam');
  await waitSynced(two);

  await thaw();
  await shows(one, 'Bread', 'Butter', 'Jam');
  await expect(leader(one)).not.toBeAttached();
  await addTodo(one, 'Honey');
  await shows(bert, 'Bread', 'Butter', 'Jam', 'Honey');
  for (const tab of [one, two]) await waitSynced(tab);
  await expect.poll(() => [one, two].map(sockets)).toEqual([0, 1]);
  expect(await waitForLeader([one, two])).toBe(two);
});

test('another tab takes over when the leader crashes', async ({ page, newPerson, crash }) => {
  const [one, two] = await openTabs(page, 2);
  const bert = await invite(one, newPerson);
  await crash(one);
  expect(await waitForTakeover([two], 'crashed')).toBe(two);
  await addTodo(two, 'Butter');
  await shows(bert, 'Bread', 'Butter');
});

for (const role of ['leader', 'follower']) {
  test(`a frozen ${role} catches up after the log was compacted`, async ({ page, newPerson }) => {
    const tabs = await openTabs(page, 3);
    const bert = await invite(page, newPerson);
    const frozen = tabs[role === 'leader' ? 0 : 1];
    const awake = tabs.filter((tab) => tab !== frozen);
    const before = await logLength(awake[0]);
    const thaw = await freeze(frozen);
    await waitForLeader(awake);
    for (let n = 1; n <= 3; n++) {
      await Promise.all(awake.map((tab, at) => writeMany(tab, `tab ${at}, ${n}:`, 40)));
    }
    await waitSynced(awake[0]);
    expect(before).toBeLessThan(240);
    await expect.poll(() => logLength(awake[0]), { message: 'the log was compacted' }).toBeLessThan(64);

    await thaw();
    await expect(rows(frozen)).toHaveCount(241, { timeout: 20_000 });
    await addTodo(frozen, 'Thawed');
    await expect(row(bert, 'Thawed')).toBeVisible();
    await agree(frozen, bert);
    await agree(awake[0], bert);
    for (const tab of tabs) await waitSynced(tab);
  });
}

test('a page that returns from the back/forward cache syncs again', async ({
  newPerson, newProfile,
}) => {
  const profile = await newProfile({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const one = await profile.open();
  await one.addInitScript(() => {
    addEventListener('pageshow', (event) => {
      if (event.persisted) document.documentElement.dataset.restored = '';
    });
  });
  const [, two] = await openTabs(one, 2);
  const bert = await invite(one, newPerson);
  await one.goto('/health');
  expect(await waitForTakeover([two], 'left')).toBe(two);
  await addTodo(bert, 'Butter');
  await shows(two, 'Bread', 'Butter');

  // A restored page fires no load event.
  await one.goBack({ waitUntil: 'commit' });
  await shows(one, 'Bread', 'Butter');
  await expect(one.locator('html[data-restored]')).toBeAttached();
  await addTodo(one, 'Jam');
  await shows(bert, 'Bread', 'Butter', 'Jam');
  for (const tab of [one, two]) await waitSynced(tab);
  expect(await waitForLeader([one, two])).toBe(two);
  await two.close();
  expect(await waitForTakeover([one], 'closed, with a restored page left')).toBe(one);
  await addTodo(one, 'Honey');
  await shows(bert, 'Bread', 'Butter', 'Jam', 'Honey');
});

test('a page that is left gives up the lead and its connection, and syncs again when it is shown', async ({
  page, newPerson,
}) => {
  const sockets = countSockets(page.context());
  const [one, two] = await openTabs(page, 2);
  const bert = await invite(one, newPerson);
  const dispatch = (event: string) =>
    one.evaluate((event) => {
      dispatchEvent(new PageTransitionEvent(event, { persisted: true }));
    }, event);
  await dispatch('pagehide');
  expect(await waitForTakeover([two], 'left, by a dispatched event')).toBe(two);
  await expect.poll(() => [one, two].map(sockets)).toEqual([0, 1]);
  await addTodo(bert, 'Butter');
  await shows(two, 'Bread', 'Butter');
  await dispatch('pageshow');
  await shows(one, 'Bread', 'Butter');
  await waitSynced(one);
  await two.close();
  expect(await waitForTakeover([one], 'closed')).toBe(one);
  await addTodo(one, 'Jam');
  await shows(bert, 'Bread', 'Butter', 'Jam');
});

for (const missing of ['locks', 'BroadcastChannel', 'both']) {
  test(`without ${missing} each tab syncs by itself, and all agree`, async ({ page, newPerson }) => {
    const sockets = countSockets(page.context());
    await page.context().addInitScript((missing) => {
      if (missing !== 'BroadcastChannel') {
        Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
      }
      if (missing !== 'locks') Reflect.deleteProperty(globalThis, 'BroadcastChannel');
    }, missing);
    const tabs = await openTabs(page, 3);
    const bert = await invite(page, newPerson);
    for (const tab of tabs) {
      await expect(leader(tab)).toBeAttached();
      await waitSynced(tab);
    }
    expect(tabs.map(sockets)).toEqual([1, 1, 1]);

    await Promise.all(tabs.map((tab, at) => writeMany(tab, `tab ${at}`, 20)));
    for (const tab of tabs) {
      await expect(rows(tab)).toHaveCount(61);
      await agree(tab, bert);
      await waitSynced(tab);
    }
  });
}

test('all edits are sent and all tabs agree even if notifications between tabs are lost', async ({
  page, newPerson,
}) => {
  await page.context().addInitScript(() => {
    const post = BroadcastChannel.prototype.postMessage;
    BroadcastChannel.prototype.postMessage = function (message) {
      if (!this.name.startsWith('settee:')) post.call(this, message);
    };
  });
  const [one, two] = await openTabs(page, 2);
  const bert = await invite(one, newPerson);
  await addTodo(two, 'Butter');
  await expect(row(bert, 'Butter')).toBeVisible();
  await waitSynced(two);
  await expect(leader(two)).not.toBeAttached();
  await addTodo(bert, 'Jam');
  // The order depends on where each tab saw the end of the list.
  for (const tab of [one, two]) {
    await expect(rows(tab)).toHaveCount(3);
    expect((await titles(tab)).toSorted()).toEqual(['Bread', 'Butter', 'Jam']);
  }
});

test('with the server dead all tabs stay offline until it has answered one of them', async ({
  page, server,
}) => {
  const tabs = await openTabs(page, 2);
  await addTodo(page, 'Bread');
  for (const tab of tabs) await waitSynced(tab);
  await server.kill();
  for (const tab of tabs) {
    await waitOffline(tab);
    await status(tab).evaluate((line) => {
      const seen: (string | null)[] = [];
      new MutationObserver(() => seen.push(line.getAttribute('data-sync'))).observe(line, {
        attributeFilter: ['data-sync'],
      });
      Object.assign(globalThis, { seen });
    });
  }
  // Each click makes one attempt to connect.
  for (let n = 0; n < 3; n++) {
    const attempted = tabs[0].waitForEvent('websocket');
    await tabs[1].locator('[data-action="retry"]').click();
    await attempted;
  }
  await addTodo(tabs[1], 'Butter');
  await expect(status(tabs[1])).toHaveAttribute('data-pending', '1');
  await server.start();
  await tabs[1].locator('[data-action="retry"]').click();
  for (const tab of tabs) {
    await waitSynced(tab);
    const seen = await tab.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    // `seen` has changes only: no failed attempt showed another state and then 'offline' again.
    expect(seen).not.toContain('offline');
  }
});

test('the leader uses an invitation that was opened in another tab', async ({
  newPerson,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  const viewing = await copyLink(anna, 'copy-viewer-link');
  const editing = await copyLink(anna);
  await bert.close();
  const clara = await newPerson();
  await openList(clara, viewing);
  await expect(clara.locator('body[data-role="viewer"]')).toBeAttached();
  const second = await newTab(clara, editing);
  for (const tab of [clara, second]) {
    await expect(tab.locator('body[data-role="editor"]')).toBeAttached();
  }
  expect(await isLeader(second)).toBe(false);
  await addTodo(second, 'Butter');
  await shows(anna, 'Bread', 'Butter');
  expect(await titles(clara)).toEqual(['Bread', 'Butter']);
});
