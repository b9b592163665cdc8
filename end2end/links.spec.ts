// Links work wherever they are opened, and their secrets are neither lost nor left lying about.

import { addTodo, copyLink, listOf, newTab, openList, reload, together, tokenOf } from './actions';
import { expect, test, type Page } from './fixtures';
import { staysLoaded } from './lists';
import { action, shows, status, waitInstalled, waitOffline, waitSynced } from './page';
import { CLOSED, OPEN, REVOKED, decode, encode } from './wire';

const role = (page: Page, name: string) => page.locator(`body[data-role="${name}"]`);

/** What a person does who pastes a link over the address of an open page. */
const paste = (page: Page, link: string): Promise<unknown> =>
  page.evaluate((link) => {
    location.href = link;
  }, link);

const hasNoSecret = (page: Page): Promise<void> =>
  expect.poll(() => page.evaluate(() => location.href)).not.toContain('k=');

async function invitations(newPerson: () => Promise<Page>) {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  return {
    anna,
    editor: await copyLink(anna),
    viewer: await copyLink(anna, 'copy-viewer-link'),
  };
}

test('a viewer who pastes an editor\'s link into the open page becomes an editor at once', async ({ newPerson }) => {
  const { anna, editor, viewer } = await invitations(newPerson);
  const vera = await newPerson();
  await openList(vera, viewer);
  await shows(vera, 'Bread');
  await expect(role(vera, 'viewer')).toBeAttached();
  await paste(vera, editor);
  await expect(role(vera, 'editor')).toBeAttached();
  await hasNoSecret(vera);
  await addTodo(vera, 'Butter');
  await shows(anna, 'Bread', 'Butter');
});

test('a link is opened from within the app, also offline, and a wrong one is explained', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, editor } = await invitations(newPerson);
  const bert = await newPerson();
  await openList(bert);
  await addTodo(bert, 'Mine');
  await waitInstalled(bert);
  await goOffline(bert);
  await bert.getByText('Open a link').click();
  const field = bert.getByLabel('Paste a link that you were sent');
  const says = bert.getByRole('alert').filter({ visible: true });
  await field.fill('Bread');
  await field.press('Enter');
  await expect(says).toContainText('There is no link in this');
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await field.fill(editor.slice(0, -5));
  await action(bert, 'open-link').click();
  await expect(says).toContainText('This link is incomplete');
  await field.fill(editor.replace(/\/\/[^/]+/, '//elsewhere.test'));
  await action(bert, 'open-link').click();
  await expect(says).toContainText('This link leads to elsewhere.test');
  await shows(bert, 'Mine');
  await staysLoaded(bert, async () => {
    await field.fill(`Here is our list:\n${editor}`);
    await action(bert, 'open-link').click();
    await expect(bert).toHaveURL(new RegExp(`${listOf(editor)}$`));
  });
  await hasNoSecret(bert);
  await goOnline(bert);
  await shows(bert, 'Bread');
  await addTodo(bert, 'Butter');
  await shows(anna, 'Bread', 'Butter');
  await bert.goBack();
  await shows(bert, 'Mine');
});

test('who opens a link hears what has happened, and needn\'t keep the list', async ({ newPerson }) => {
  const { anna, editor, viewer } = await invitations(newPerson);
  const vera = await newPerson();
  await openList(vera, viewer);
  const joined = vera.locator('[data-link="joined"]');
  await expect(joined).toContainText('You have joined this list, and can look at it.');
  await anna.locator('.list-name').fill('Trip');
  await anna.locator('.list-name').press('Enter');
  await expect(joined).toContainText('You have joined “Trip”, and can look at it.');
  await action(vera, 'dismiss-joined').click();
  await expect(joined).toBeHidden();
  await paste(vera, editor);
  await expect(role(vera, 'editor')).toBeAttached();
  await expect(joined).toBeHidden();

  const bert = await newPerson();
  await openList(bert);
  await addTodo(bert, 'Mine');
  await openList(bert, editor);
  await expect(bert.locator('[data-link="joined"]')).toContainText('You have joined “Trip”, and can change it.');
  await action(bert, 'leave-joined').click();
  await shows(bert, 'Mine');
  expect(new URL(bert.url()).pathname).toBe('/');
  await expect(bert.locator('nav.lists li')).toHaveCount(1);
  await reload(bert);
  await expect(bert.locator('nav.lists li')).toHaveCount(1);
  await shows(anna, 'Bread');
});

test('after a cut link, the whole one works in the same tab', async ({ newPerson }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  await bert.goto(editor.slice(0, -5));
  await expect(bert.getByText('This link is incomplete')).toBeVisible();
  await hasNoSecret(bert);
  await paste(bert, editor);
  await shows(bert, 'Bread');
  await hasNoSecret(bert);
});

test('a cut link to a list that is open changes nothing, and is said', async ({ newPerson }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  await openList(bert, editor);
  await shows(bert, 'Bread');
  await paste(bert, editor.slice(0, -5));
  await expect(bert.getByText('This link is incomplete')).toBeVisible();
  await hasNoSecret(bert);
  await addTodo(bert, 'Butter');
  await waitSynced(bert);
});

for (const behind of ['.', ')', '),', '/', '…']) {
  test(`a link with “${behind}” behind it works`, async ({ newPerson }) => {
    const { editor } = await invitations(newPerson);
    const bert = await newPerson();
    await openList(bert, editor + behind);
    await shows(bert, 'Bread');
    await hasNoSecret(bert);
  });
}

test('a slash at the end of the path doesn\'t matter', async ({ newPerson, server }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  await openList(bert, `${listOf(editor)}/#k=${tokenOf(editor)}`);
  await shows(bert, 'Bread');
  await waitInstalled(bert);
  await server.kill();
  await reload(bert);
  await shows(bert, 'Bread');
});

test('a link that is opened offline says what will come, and the list comes', async ({ newPerson, server }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  await openList(bert);
  await waitInstalled(bert);
  await server.kill();
  await openList(bert, editor);
  await waitOffline(bert);
  await expect(status(bert)).toContainText('appears here once you’re online');
  await server.start();
  await shows(bert, 'Bread');
});

test('a server that takes lists from those it knows says so to others, and takes them after its link', async ({ newPerson, server }) => {
  const permit = 'cGVybWl0cGVybWl0cGVybWl0cGVybWl0cGVybWl0cGU';
  await server.stop();
  server.flags = ['--create', 'token', '--create-token', permit];
  await server.start();
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await expect(status(anna)).toContainText('takes no new lists. This one stays on this device');
  const other = await newTab(anna);
  await openList(other, `/#c=${permit}`);
  await expect.poll(() => other.evaluate(() => location.hash)).toBe('');
  for (const tab of [anna, other]) await waitSynced(tab);
  const bert = await newPerson();
  await openList(bert, await copyLink(anna));
  await shows(bert, 'Bread');
});

test('a link that is opened in a second tab gives access back to the first, too', async ({ newPerson }) => {
  const { editor } = await invitations(newPerson);
  const list = listOf(editor).replace('/l/', '');
  const bert = await newPerson();
  let isDenied = false;
  let revoke = () => {};
  await bert.context().routeWebSocket(/\/sync$/, (client) => {
    const server = client.connectToServer();
    client.onMessage((message) => {
      const [type, fields] = decode(message);
      if (type === OPEN && fields.get(1) === list) {
        const closed = encode([CLOSED, new Map([[0, fields.get(0)!], [1, REVOKED], [2, 'revoked']])]);
        revoke = () => client.send(closed);
        if (isDenied) return client.send(closed);
      }
      server.send(message);
    });
  });
  await openList(bert, editor);
  await shows(bert, 'Bread');
  isDenied = true;
  revoke();
  await expect(status(bert)).toHaveAttribute('data-sync', 'denied');
  isDenied = false;
  const tab = await newTab(bert, editor);
  await waitSynced(tab);
  await waitSynced(bert);
});

test('while the device can\'t keep a link, it stays in the address and is shown, and is kept later', async ({ newPerson }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  await openList(bert);
  await bert.addInitScript(() => {
    const add = IDBObjectStore.prototype.add;
    IDBObjectStore.prototype.add = function (...args) {
      if ((window as any).hasRoom) return add.apply(this, args);
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  await openList(bert, editor);
  expect(bert.url()).toContain('#k=');
  await expect(bert.locator('[data-link="not-kept"] input')).toHaveValue(editor);
  await action(bert, 'copy-unkept-link').click();
  await expect.poll(() => bert.evaluate(() => navigator.clipboard.readText())).toBe(editor);
  await bert.evaluate(() => ((window as any).hasRoom = true));
  await hasNoSecret(bert);
  await expect(bert.locator('[data-link="not-kept"]')).toHaveCount(0);
  await shows(bert, 'Bread');
  await waitSynced(bert);
});

test('the link that lets a device bring lists is told as such where it can\'t be kept', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await anna.addInitScript(() => {
    IDBObjectStore.prototype.add = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  // A new address of the same page would load nothing.
  await anna.goto('about:blank');
  await openList(anna, '/#c=cGVybWl0cGVybWl0cGVybWl0cGVybWl0cGVybWl0cGU');
  const notice = anna.locator('[data-link="not-kept"]');
  await expect(notice).toContainText('can’t keep the link that lets you bring lists to this server');
  await expect(notice.locator('input')).toHaveValue(/#c=/);
});

test('a device that can keep nothing takes the secret out of the address, and shows the link', async ({ newPerson }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  await bert.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('denied', 'SecurityError');
    };
  });
  await openList(bert, editor);
  await hasNoSecret(bert);
  await expect(bert.locator('[data-link="not-kept"] input')).toHaveValue(editor);
  await expect(status(bert)).toHaveAttribute('data-sync', 'unsaved');
  await shows(bert, 'Bread');
});

test('four wrong links don\'t push out a good one', async ({ newPerson }) => {
  const { anna, editor } = await invitations(newPerson);
  const bert = await newPerson();
  await openList(bert, editor);
  await shows(bert, 'Bread');
  await waitSynced(bert);
  for (const letter of ['A', 'B', 'C', 'D', 'E']) {
    await paste(bert, `${listOf(editor)}#k=${letter.repeat(42)}A`);
    await hasNoSecret(bert);
  }
  await reload(bert);
  await waitSynced(bert);
  await addTodo(bert, 'Butter');
  await shows(anna, 'Bread', 'Butter');
});

test('a secret is neither in the page\'s session history nor in what the server has written', async ({ newPerson, server }) => {
  const { editor } = await invitations(newPerson);
  const bert = await newPerson();
  // The app starts late, and the page is left and returned to.
  await bert.route(/\.wasm$/, async (route) => {
    await new Promise((done) => setTimeout(done, 2_000));
    await route.continue();
  });
  await openList(bert, editor);
  await shows(bert, 'Bread');
  await hasNoSecret(bert);
  const browser = await bert.context().newCDPSession(bert);
  const { entries } = await browser.send('Page.getNavigationHistory');
  expect(entries.map(({ url }) => url).join(' ')).not.toContain(tokenOf(editor));
  await waitSynced(bert);
  expect(server.log).not.toContain(tokenOf(editor));
});
