// Inviting people, removing their access, and new links in the place of old ones.

import {
  addTodo, callThemselves, complete, copied, copyLink, invite, openList, person, reload, tokenOf, together,
} from './actions';
import { expect, test, type Page } from './fixtures';
import { action, isReady, newTodo, RECOVERY_TIMEOUT, row, shows, status, waitOffline, waitSynced } from './page';

/** Removes the access of somebody with a personal link, in the open dialog. */
async function removeAccess(page: Page, name: string): Promise<void> {
  await person(page, name).locator('[data-action="remove-access"]').click();
  await person(page, name).locator('[data-action="confirm-remove-access"]').click();
  await expect(person(page, name)).toContainText('no access any more');
}

/** Anna's list with bread, her dialog, and Bert, whom she has invited by a personal link. */
async function invited(newPerson: () => Promise<Page>) {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await action(anna, 'share').click();
  const link = await invite(anna, 'Bert');
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, 'Bread');
  return { anna, bert, link };
}

const revoked = (page: Page) => page.locator('[data-link="revoked"]');

test('a personal link says who invites', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await callThemselves(anna, 'Anna');
  await action(anna, 'share').click();
  const link = await invite(anna, 'Bert', 'helper');
  const bert = await newPerson();
  await openList(bert, link);
  await expect(bert.locator('[data-link="joined"]')).toContainText(/Anna.? has invited you/);
});

test('a personal link lets in one person, until their access is removed', async ({ newPerson }) => {
  const { anna, bert, link } = await invited(newPerson);
  await addTodo(bert, 'Butter');
  await shows(anna, 'Bread', 'Butter');
  // A personal link is nobody else's.
  await action(bert, 'share').click();
  await expect(bert.getByText('Your link to this list is personal')).toBeVisible();
  await expect(bert.locator('.links li:visible, .people')).toHaveCount(0);
  await action(bert, 'close-share').click();

  await removeAccess(anna, 'Bert');
  await expect(revoked(bert)).toBeVisible();
  await expect(status(bert)).toContainText('no access');
  await expect(newTodo(bert)).not.toBeEditable();
  await action(anna, 'close-share').click();
  await addTodo(anna, 'Secret');
  await waitSynced(anna);
  await reload(bert);
  await expect(revoked(bert)).toBeVisible();
  await shows(bert, 'Bread', 'Butter');

  // Invited again, all comes.
  await action(anna, 'share').click();
  const again = await invite(anna, 'Bertram');
  expect(tokenOf(again)).not.toBe(tokenOf(link));
  await openList(bert, again);
  await shows(bert, 'Bread', 'Butter', 'Secret');
  await expect(revoked(bert)).toHaveCount(0);
  await addTodo(bert, 'Jam');
  await shows(anna, 'Bread', 'Butter', 'Secret', 'Jam');
});

test('whose access is removed while offline keeps what they wrote, and it is sent when they are invited again', async ({
  newPerson, goOffline, goOnline,
}) => {
  const { anna, bert } = await invited(newPerson);
  await waitSynced(bert);

  await goOffline(bert);
  await waitOffline(bert);
  await addTodo(bert, 'One', 'Two', 'Three');
  await removeAccess(anna, 'Bert');
  await waitSynced(anna);
  await goOnline(bert);
  await expect(revoked(bert)).toContainText('3 changes of yours were never sent');
  await shows(bert, 'Bread', 'One', 'Two', 'Three');
  await expect(newTodo(bert)).not.toBeEditable();
  await shows(anna, 'Bread');

  const again = await invite(anna, 'Bert again');
  await openList(bert, again);
  await shows(anna, 'Bread', 'One', 'Two', 'Three');
  await waitSynced(bert);
});

test('whose access is removed can keep a copy of their own, or remove it all', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread', 'Butter');
  await complete(anna, 'Bread');
  await action(anna, 'share').click();
  const link = await invite(anna, 'Bert');
  const bert = await newPerson();
  await openList(bert, link);
  await shows(bert, 'Bread', 'Butter');
  await removeAccess(anna, 'Bert');

  const shared = new URL(link).pathname;
  await action(bert, 'keep-copy').click();
  await expect(bert).not.toHaveURL(new RegExp(shared));
  await shows(bert, 'Bread', 'Butter');
  await expect(row(bert, 'Bread')).toHaveClass('completed');
  await addTodo(bert, 'Jam');
  await waitSynced(bert);

  await bert.goto(shared);
  await isReady(bert);
  await action(bert, 'remove-revoked').click();
  await expect(bert).toHaveURL('/');
  const left = () =>
    bert.evaluate(async (id) => (await indexedDB.databases()).filter(({ name }) => name?.includes(id)), shared.slice(3));
  await expect.poll(left).toEqual([]);
  await bert.goto(shared);
  await expect(bert.locator('.unknown')).toBeVisible();
});

test('what was changed while one might stays, is copied or discarded, and is not sent', async ({
  newPerson, goOffline, goOnline,
}) => {
  const { anna, bert } = await invited(newPerson);
  await waitSynced(bert);
  await goOffline(bert);
  await waitOffline(bert);
  await addTodo(bert, 'One', 'Two');
  await complete(bert, 'Bread');
  await removeAccess(anna, 'Bert');
  const viewer = await invite(anna, 'Bert again', 'viewer');
  await waitSynced(anna);
  await goOnline(bert);
  await expect(revoked(bert)).toBeVisible();
  await openList(bert, viewer);
  const stuck = bert.locator('[data-link="unsendable"]');
  await expect(stuck).toContainText('3 changes of yours are only here');
  await shows(bert, 'Bread', 'One', 'Two');
  const address = bert.url();
  await action(bert, 'keep-copy').click();
  await expect(bert).not.toHaveURL(address);
  await shows(bert, 'Bread', 'One', 'Two');
  await expect(row(bert, 'Bread')).toHaveClass(/completed/);

  await openList(bert, address);
  await action(bert, 'discard-changes').click();
  await action(bert, 'confirm-discard').click();
  await shows(bert, 'Bread');
  await expect(row(bert, 'Bread')).not.toHaveClass(/completed/);
  await expect(stuck).toBeHidden();
  await waitSynced(bert);
  await shows(anna, 'Bread');
});

test('new links take the place of old ones, and personal ones stay', async ({ newPerson }) => {
  const { anna, bert, link } = await together(newPerson, 'Bread');
  await action(anna, 'share').click();
  const vera = await newPerson();
  await openList(vera, await invite(anna, 'Vera', 'viewer'));
  await expect(vera.locator('body[data-role="viewer"]')).toBeAttached();

  await anna.getByText('shouldn’t have it').click();
  await action(anna, 'renew-links').click();
  await expect(revoked(bert)).toBeVisible();
  const renewed = await copied(anna, action(anna, 'copy-link'));
  expect(tokenOf(renewed)).not.toBe(tokenOf(link));
  await action(anna, 'close-share').click();
  expect(await copyLink(anna)).toBe(renewed);

  const stranger = await newPerson();
  await stranger.goto(link);
  await expect(status(stranger)).toContainText('no access');
  await openList(bert, renewed);
  await addTodo(bert, 'Butter');
  await shows(anna, 'Bread', 'Butter');
  await shows(vera, 'Bread', 'Butter');
});

test('all of it is done offline, and holds once it is sent', async ({ newPerson, goOffline, goOnline }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  await goOffline(anna);
  await waitOffline(anna);
  await action(anna, 'share').click();
  await anna.getByText('shouldn’t have it').click();
  await action(anna, 'renew-links').click();
  const link = await invite(anna, 'Vera');
  await reload(anna);
  await action(anna, 'share').click();
  expect(await copied(anna, person(anna, 'Vera').locator('[data-action="copy-invitation"]'))).toBe(link);
  await addTodo(bert, 'Butter');
  await waitSynced(bert);

  const vera = await newPerson();
  await vera.goto(link);
  await expect(status(vera)).toContainText('no access');
  await goOnline(anna);
  await expect(revoked(bert)).toBeVisible();
  await action(anna, 'close-share').click();
  await shows(anna, 'Bread', 'Butter');
  // The device asks again by itself.
  await expect(row(vera, 'Butter')).toBeVisible({ timeout: RECOVERY_TIMEOUT });
});

test('the owner\'s link makes another device an owner, and brings back what this one loses', async ({ newPerson }) => {
  const anna = await newPerson();
  await openList(anna);
  await addTodo(anna, 'Bread');
  await waitSynced(anna);
  await action(anna, 'share').click();
  await anna.getByText('spare key').click();
  const link = await copied(anna, action(anna, 'copy-owner-link'));
  await action(anna, 'close-share').click();

  const phone = await newPerson();
  await openList(phone, link);
  await expect(phone.locator('body[data-role="owner"]')).toBeAttached();
  await action(phone, 'share').click();
  const invitation = await invite(phone, 'Bert');
  await action(phone, 'close-share').click();
  const bert = await newPerson();
  await openList(bert, invitation);
  await shows(bert, 'Bread');
  // The other device of the owner knows of it, too.
  await action(anna, 'share').click();
  await removeAccess(anna, 'Bert');
  await expect(revoked(bert)).toBeVisible();
  await action(phone, 'share').click();
  await expect(person(phone, 'Bert')).toContainText('no access any more');
});
