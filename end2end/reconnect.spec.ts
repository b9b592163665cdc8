// The server is killed, hangs and is restarted while people work.

import { addTodo, complete, openList, rename, together, writeMany } from './actions';
import { expect, test } from './fixtures';
import { agree, row, rows, shows, status, titles, waitOffline, waitSynced } from './page';

test('kill -9 during writes: the pages reconnect, and nothing is lost', async ({
  newPerson, server,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  const WRITES = 80;
  const writing = Promise.all([writeMany(anna, 'anna', WRITES), writeMany(bert, 'bert', WRITES)]);
  await expect.poll(() => rows(bert).filter({ hasText: 'anna' }).count()).toBeGreaterThan(5);
  await server.kill();
  await writing;
  await waitOffline(anna);
  await waitOffline(bert);
  await server.start();

  await waitSynced(anna);
  await waitSynced(bert);
  const seen = await agree(anna, bert);
  const all = ['Bread'];
  for (let n = 1; n <= WRITES; n++) all.push(`anna ${n}`, `bert ${n}`);
  expect(seen.toSorted()).toEqual(all.toSorted());
});

test('kill -9 during writes: what others have received is on the server\'s disk', async ({
  newPerson, server,
}) => {
  const { anna, bert, link } = await together(newPerson, 'Bread');
  await addTodo(anna, 'Acknowledged');
  await waitSynced(anna);
  const writing = writeMany(anna, 'anna', 200);
  await expect.poll(() => rows(bert).filter({ hasText: 'anna' }).count()).toBeGreaterThan(5);
  await server.kill();
  await writing;
  // What Bert has received was committed. Both pages are closed, so they can't send it again.
  const committed = await titles(bert);
  await anna.context().close();
  await bert.context().close();
  await server.start();

  const clara = await newPerson();
  await openList(clara, link);
  await waitSynced(clara);
  await expect.poll(() => titles(clara)).toEqual(expect.arrayContaining(committed));
  expect(committed).toContain('Acknowledged');
});

test('the status counts pending changes, goes offline, and is synced again after a restart', async ({
  newPerson, server,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread', 'Butter');
  await expect(status(anna)).toHaveAttribute('data-pending', '0');
  await server.kill();
  await waitOffline(anna);
  await expect(status(anna)).toHaveAttribute('data-pending', '0');

  await addTodo(anna, 'Jam', 'Honey');
  await expect(status(anna)).toHaveAttribute('data-pending', '2');
  await complete(anna, 'Bread');
  await expect(status(anna)).toHaveAttribute('data-pending', '3');
  // A second change of the same todo is still one pending todo.
  await rename(anna, 'Bread', 'Rye bread');
  await shows(anna, 'Rye bread', 'Butter', 'Jam', 'Honey');
  await expect(status(anna)).toHaveAttribute('data-pending', '3');
  await expect(status(anna)).toHaveAttribute('data-sync', 'offline');

  await server.start();
  await waitSynced(anna);
  await shows(bert, 'Rye bread', 'Butter', 'Jam', 'Honey');
});

test('a server that is shut down exits with code 0, and pages reconnect after its restart', async ({
  newPerson, server,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  expect(await server.stop()).toBe(0);
  await waitOffline(anna);
  await addTodo(anna, 'Butter');
  await server.start();
  await shows(bert, 'Bread', 'Butter');
  await waitSynced(anna);
});

test('a silent connection is noticed, and recovers when the server answers again', async ({
  newPerson, server,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  server.freeze();
  await addTodo(anna, 'Butter');
  await waitOffline(anna);
  await expect(status(anna)).toHaveAttribute('data-pending', '1');
  server.thaw();
  await waitSynced(anna);
  await shows(bert, 'Bread', 'Butter');
});

test('a network that is lost and restored delivers each edit once', async ({
  newPerson, goOffline, goOnline,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  for (const round of [1, 2, 3]) {
    await goOffline(anna);
    await addTodo(anna, `Offline ${round}`);
    await goOnline(anna);
    await addTodo(anna, `Online ${round}`);
  }
  await waitSynced(anna);
  await agree(anna, bert);
  await expect(rows(bert)).toHaveCount(7);
});

test('after three restarts with writes in between, both pages agree', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  for (const restart of [1, 2, 3]) {
    await server.kill();
    await addTodo(anna, `anna ${restart}`);
    await addTodo(bert, `bert ${restart}`);
    await server.start();
    await waitSynced(anna);
    await waitSynced(bert);
  }
  await agree(anna, bert);
  await expect(rows(anna)).toHaveCount(7);
  await expect(row(anna, 'bert 3')).toBeVisible();
});
