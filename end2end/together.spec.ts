// Several people on one list.

import {
  addTodo, complete, copied, copyLink, listOf, openList, reload, remove, rename, startEditing, together,
  tokenOf,
} from './actions';
import { expect, test, type Page } from './fixtures';
import { action, agree, isReady, newTodo, row, rows, shows, waitOffline, waitSynced } from './page';

test('a link invites somebody, and both see each other\'s edits live', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Butter');

  await addTodo(bert, 'Jam');
  await shows(anna, 'Bread', 'Butter', 'Jam');

  await complete(anna, 'Bread');
  await expect(row(bert, 'Bread')).toHaveClass('completed');

  await rename(bert, 'Butter', 'Salted butter');
  await shows(anna, 'Bread', 'Salted butter', 'Jam');

  await remove(anna, 'Jam');
  await shows(bert, 'Bread', 'Salted butter');

  await bert.locator('.clear-completed').click();
  await shows(anna, 'Salted butter');
  await agree(anna, bert);
});

test('the page says that the link was copied; it has a path and a fragment', async ({ newPerson, server }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await action(anna, 'share').click();
  const link = await copied(anna, action(anna, 'copy-link'));
  await expect(anna.getByText('Link copied').first()).toBeVisible();
  expect(new URL(link).origin).toBe(server.url);
  expect(listOf(link)).toMatch(/^\/l\/[0-9a-hjkmnp-tv-z]{26}$/);
  expect(tokenOf(link)).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test('the address bar holds no token after joining, nor does going back bring it there', async ({ newPerson }) => {
  const { bert, link } = await together(newPerson, 'Bread');
  const hasNoToken = async () => {
    const address = await bert.evaluate(() => location.href);
    expect(address).toContain(listOf(link));
    expect(address).not.toContain(tokenOf(link));
    expect(address).not.toContain('k=');
  };
  await hasNoToken();

  await bert.locator('.filters a', { hasText: 'Active' }).click();
  await hasNoToken();
  await bert.goBack();
  await hasNoToken();

  // The device knows the list now: it needs no link any more.
  await reload(bert);
  await hasNoToken();
  await shows(bert, 'Bread');
});

test('somebody who was invited can invite others', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  const clara = await newPerson();
  await openList(clara, await copyLink(bert));
  // What is added before the list has arrived stands where it would stand in an empty one.
  await shows(clara, 'Bread');
  await addTodo(clara, 'Cheese');
  await shows(anna, 'Bread', 'Cheese');
  await shows(bert, 'Bread', 'Cheese');
});

test('a second list has a link and todos of its own', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await action(anna, 'new-list').click();
  await expect(anna).toHaveURL(/\/l\/[0-9a-z]{26}/);
  await isReady(anna);
  await expect(rows(anna)).toHaveCount(0);
  await addTodo(anna, 'Secret');
  await waitSynced(anna);
  await addTodo(bert, 'Butter');

  await openList(anna, '/');
  await shows(anna, 'Bread', 'Butter');
  await shows(bert, 'Bread', 'Butter');
});

test('both edit offline, reconnect, and agree', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Butter');
  await goOffline(anna);
  await goOffline(bert);
  await waitOffline(anna);
  await waitOffline(bert);

  await addTodo(anna, 'Apples');
  await complete(anna, 'Bread');
  await addTodo(bert, 'Bananas');
  await remove(bert, 'Butter');
  await shows(anna, 'Bread', 'Butter', 'Apples');
  await shows(bert, 'Bread', 'Bananas');

  await goOnline(anna);
  await goOnline(bert);
  await waitSynced(anna);
  await waitSynced(bert);
  const seen = await agree(anna, bert);
  expect(seen.toSorted()).toEqual(['Apples', 'Bananas', 'Bread']);
  await expect(row(bert, 'Bread')).toHaveClass('completed');
});

test('both edit with the server dead, and agree after its restart', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await server.kill();
  await addTodo(anna, 'Apples');
  await addTodo(bert, 'Bananas');
  await rename(bert, 'Bread', 'Rye bread');
  await server.start();
  await waitSynced(anna);
  await waitSynced(bert);
  const seen = await agree(anna, bert);
  expect(seen.toSorted()).toEqual(['Apples', 'Bananas', 'Rye bread']);
});

test('concurrent changes of different fields of one todo both apply', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Milk');
  await server.kill();
  await rename(anna, 'Milk', 'Oat milk');
  await complete(bert, 'Milk');
  await server.start();

  for (const page of [anna, bert]) {
    await waitSynced(page);
    await shows(page, 'Oat milk');
    await expect(rows(page)).toHaveClass(['completed']);
  }
  await reload(bert);
  await shows(bert, 'Oat milk');
  await expect(rows(bert)).toHaveClass(['completed']);
});

test('concurrent changes of a title are shown to both, and each can choose', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Milk');
  await server.kill();
  await rename(anna, 'Milk', 'Oat milk');
  await rename(bert, 'Milk', 'Soy milk');
  await server.start();
  const [shown] = await agree(anna, bert);
  for (const [page, mine, theirs] of [[anna, 'Oat milk', 'Soy milk'], [bert, 'Soy milk', 'Oat milk']] as const) {
    const notice = rows(page).locator('.notice');
    await expect(notice).toContainText(`Shown is “${shown}”.`);
    await expect(action(page, 'keep-mine')).toHaveText(`Keep mine: “${mine}”`);
    await expect(action(page, 'keep-theirs')).toHaveText(`Keep theirs: “${theirs}”`);
  }
  // The person whose title isn't shown chooses it.
  const [loser, own] = shown === 'Oat milk' ? [bert, 'Soy milk'] : [anna, 'Oat milk'];
  await action(loser, 'keep-mine').click();
  for (const page of [anna, bert]) {
    await shows(page, own);
    await expect(rows(page).locator('.notice')).toHaveCount(0);
    await expect(rows(page)).toHaveText([own]);
  }
});

test('a key undoes own edits, and others\' edits stay', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs');
  await complete(anna, 'Milk');
  await rename(bert, 'Milk', 'Oat milk');
  await shows(anna, 'Oat milk', 'Eggs');
  await row(anna, 'Eggs').locator('.toggle').focus();
  await anna.keyboard.press('Control+z');
  for (const page of [anna, bert]) {
    await shows(page, 'Oat milk', 'Eggs');
    await expect(rows(page)).toHaveClass(['', '']);
  }
  await anna.keyboard.press('Control+Shift+z');
  await expect(row(bert, 'Oat milk')).toHaveClass('completed');
  await remove(anna, 'Eggs');
  await shows(bert, 'Oat milk');
  await row(anna, 'Oat milk').locator('.toggle').focus();
  await anna.keyboard.press('Control+z');
  for (const page of [anna, bert]) await shows(page, 'Oat milk', 'Eggs');
});

test('a todo is moved by keys on all pages', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs', 'Salt');
  const toggle = row(anna, 'Salt').locator('.toggle');
  await toggle.focus();
  await anna.keyboard.press('Alt+ArrowUp');
  await shows(anna, 'Milk', 'Salt', 'Eggs');
  await expect(toggle).toBeFocused();
  await anna.keyboard.press('Alt+ArrowUp');
  for (const page of [anna, bert]) await shows(page, 'Salt', 'Milk', 'Eggs');
  await expect(toggle).toBeFocused();
  await anna.keyboard.press('Alt+ArrowUp');
  await anna.keyboard.press('Alt+ArrowDown');
  for (const page of [anna, bert]) await shows(page, 'Milk', 'Salt', 'Eggs');
});

test('after concurrent changes of one field, both pages show the same', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Milk');
  await server.kill();
  await rename(anna, 'Milk', 'Oat milk');
  await rename(bert, 'Milk', 'Soy milk');
  await server.start();
  await waitSynced(anna);
  await waitSynced(bert);
  const [winner] = await agree(anna, bert);
  expect(['Oat milk', 'Soy milk']).toContain(winner);

  // The next edit settles the conflict.
  await rename(anna, winner, 'Goat milk');
  await shows(bert, 'Goat milk');
});

test('a todo that one person deletes while the other edits it is kept', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs');
  await server.kill();
  await remove(anna, 'Milk');
  await rename(bert, 'Milk', 'Oat milk');
  await server.start();
  await shows(anna, 'Oat milk', 'Eggs');
  await shows(bert, 'Oat milk', 'Eggs');
  await expect(rows(anna).locator('.notice')).toContainText('You deleted this');
  await expect(rows(bert).locator('.notice')).toContainText('Deleted elsewhere');
  await action(bert, 'keep').click();
  for (const page of [anna, bert]) await expect(rows(page).locator('.notice')).toHaveCount(0);
});

test('quick edits of one todo never conflict and are never reverted', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Draft 0');
  const recordTitles = async (page: Page) => {
    await page.evaluate(() => {
      const seen: string[] = ((window as any).seen = []);
      const read = () => {
        const now = document.querySelector('.todo-list li label')?.textContent ?? '(gone)';
        if (now !== seen.at(-1)) seen.push(now);
      };
      read();
      new MutationObserver(read).observe(document.body, {
        subtree: true, childList: true, characterData: true,
      });
    });
    return () => page.evaluate(() => (window as any).seen as string[]);
  };
  const annaTitles = await recordTitles(anna);
  const bertTitles = await recordTitles(bert);

  const LAST = 20;
  await anna.evaluate(async (last) => {
    const item = () => document.querySelector('.todo-list li')!;
    const frame = () => new Promise(requestAnimationFrame);
    for (let n = 1; n <= last; n++) {
      item().querySelector('label')!.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
      await frame();
      const editor = item().querySelector<HTMLInputElement>('.edit')!;
      editor.value = `Draft ${n}`;
      editor.dispatchEvent(new Event('input', { bubbles: true }));
      for (const kind of ['keydown', 'keypress', 'keyup']) {
        editor.dispatchEvent(
          new KeyboardEvent(kind, { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true, cancelable: true }),
        );
      }
      // A second edit of the same todo in the same turn of the event loop.
      item().querySelector<HTMLInputElement>('.toggle')!.click();
    }
  }, LAST);

  for (const page of [anna, bert]) {
    await shows(page, `Draft ${LAST}`);
    await waitSynced(page);
    // The number of clicks is even, and no conflict is shown beside the title.
    await expect(rows(page)).toHaveClass(['']);
    await expect(rows(page)).toHaveText([`Draft ${LAST}`]);
  }
  for (const seen of [await annaTitles(), await bertTitles()]) {
    const drafts = seen.map((title) => Number(/^Draft (\d+)$/.exec(title)?.[1] ?? NaN));
    expect(drafts, 'the drafts in their order').toEqual(drafts.toSorted((a, b) => a - b));
  }
});

test('a remote edit changes neither the focus nor what is being typed', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Milk', 'Eggs');
  const editor = await startEditing(row(anna, 'Milk'));
  await editor.fill('Oat mi');
  await addTodo(bert, 'Flour');
  await complete(bert, 'Milk');
  await rename(bert, 'Eggs', 'Six eggs');
  await expect(row(anna, 'Flour')).toBeVisible();
  await expect(row(anna, 'Six eggs')).toBeVisible();
  await expect(editor).toBeFocused();
  await expect(editor).toHaveValue('Oat mi');
  await anna.keyboard.type('lk');
  await anna.keyboard.press('Enter');
  await shows(bert, 'Oat milk', 'Six eggs', 'Flour');
  await expect(row(bert, 'Oat milk')).toHaveClass('completed');
});

test('a viewer\'s link shows the list live and allows no changes', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread', 'Butter');
  await waitSynced(anna);
  const editorLink = await copyLink(anna);
  const viewerLink = await copyLink(anna, 'copy-viewer-link');
  expect(listOf(viewerLink)).toBe(listOf(editorLink));
  expect(tokenOf(viewerLink)).not.toBe(tokenOf(editorLink));

  const vera = await newPerson();
  await openList(vera, viewerLink);
  await shows(vera, 'Bread', 'Butter');
  await expect(vera.locator('body[data-role="viewer"]')).toBeAttached();
  await complete(anna, 'Bread');
  await expect(row(vera, 'Bread')).toHaveClass('completed');

  // Nothing can be changed with the mouse …
  await expect(vera.locator('.new-todo:enabled:not([readonly])')).toHaveCount(0);
  await expect(vera.locator('.todo-list .toggle:enabled')).toHaveCount(0);
  await expect(vera.locator('.toggle-all:enabled')).toHaveCount(0);
  await expect(vera.locator('.destroy:enabled').filter({ visible: true })).toHaveCount(0);
  await expect(vera.locator('.clear-completed:enabled').filter({ visible: true })).toHaveCount(0);
  await row(vera, 'Butter').locator('label').dblclick();
  await expect(vera.locator('.editing')).toHaveCount(0);

  // … nor by a script.
  await vera.evaluate(() => {
    document.querySelector<HTMLInputElement>('.todo-list .toggle')?.click();
    document.querySelector<HTMLElement>('.todo-list .destroy')?.click();
    document.querySelector<HTMLElement>('.clear-completed')?.click();
  });
  await addTodo(anna, 'Jam');
  await shows(vera, 'Bread', 'Butter', 'Jam');
  await expect(row(anna, 'Bread')).toHaveClass('completed');
  await shows(anna, 'Bread', 'Butter', 'Jam');

  // A viewer can't copy an editor's link.
  await expect(action(vera, 'copy-link').and(vera.locator(':enabled'))).toHaveCount(0);
});

test('edits are pushed to the other person over the open connection', async ({ newPerson }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await waitSynced(bert);
  // A page that polls, or that reconnects to receive an edit, makes a request.
  const requests: string[] = [];
  bert.on('request', (request) => requests.push(request.url()));
  bert.on('websocket', (socket) => requests.push(socket.url()));
  for (let n = 1; n <= 15; n++) {
    await addTodo(anna, `Edit ${n}`);
    await expect(row(bert, `Edit ${n}`)).toBeVisible();
  }
  expect(requests).toEqual([]);
});

test('one todo with a large body and sixteen versions at once leaves the rest of the list usable', async ({ newPerson, newCrowd, server }) => {
  const { anna, bert, link } = await together(newPerson, 'Bread', 'Butter');
  const crowd = await newCrowd(server.url, link, 16, 60_000, true);
  for (const page of [anna, bert]) await expect(rows(page)).toHaveCount(3);
  await rename(anna, 'Butter', 'Salted butter');
  await complete(bert, 'Bread');
  await addTodo(bert, 'Jam');
  await expect(row(anna, 'Jam')).toBeVisible();
  await expect(row(bert, 'Salted butter')).toBeVisible();
  await expect(row(anna, 'Bread')).toHaveClass('completed');
  // It is one todo like others, with a choice between the versions.
  const quarrel = rows(anna).filter({ hasText: 'quarrel' });
  await expect(quarrel).toHaveCount(1);
  await reload(anna);
  await expect(rows(anna)).toHaveCount(4);
  await quarrel.locator('.destroy').dispatchEvent('click');
  for (const page of [anna, bert]) await expect(rows(page)).toHaveCount(3);
  await crowd.finish();
  await agree(anna, bert);
});
