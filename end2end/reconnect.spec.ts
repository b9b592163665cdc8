// The server dies, hangs and comes back while people work.

import {
  addTodo, agree, complete, expect, openList, rename, row, rows, shows, status, test, titles,
  together, waitOffline, waitSynced, writeMany,
} from './fixtures';

test('kill -9 during a run of writes: the pages heal by themselves, and nothing is lost', async ({
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

test('kill -9 during a run of writes: what others saw is on the server\'s own disk', async ({
  newPerson, server,
}) => {
  const { anna, bert, link } = await together(newPerson, 'Bread');
  await addTodo(anna, 'Acknowledged');
  await waitSynced(anna);
  const writing = writeMany(anna, 'anna', 200);
  await expect.poll(() => rows(bert).filter({ hasText: 'anna' }).count()).toBeGreaterThan(5);
  await server.kill();
  await writing;
  // What reached Bert was committed before. He and Anna go, and can't send it again.
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

test('the status counts what waits, goes offline, and is synced again after the restart', async ({
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
  // A second change of one todo is still one todo that waits.
  await rename(anna, 'Bread', 'Rye bread');
  await shows(anna, 'Rye bread', 'Butter', 'Jam', 'Honey');
  await expect(status(anna)).toHaveAttribute('data-pending', '3');
  await expect(status(anna)).toHaveAttribute('data-sync', 'offline');

  await server.start();
  await waitSynced(anna);
  await shows(bert, 'Rye bread', 'Butter', 'Jam', 'Honey');
});

test('a server that ends in an orderly way does so with exit code 0, and is missed no longer than it is away', async ({
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

test('a connection that falls silent is noticed, and heals when the server answers again', async ({
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

test('a network that stalls and comes back delivers each edit once', async ({
  newPerson, goOffline, goOnline,
}) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  for (const round of [1, 2, 3]) {
    await goOffline(anna);
    await addTodo(anna, `Stalled ${round}`);
    await goOnline(anna);
    await addTodo(anna, `Flowing ${round}`);
  }
  await waitSynced(anna);
  await agree(anna, bert);
  await expect(rows(bert)).toHaveCount(7);
});

test('three restarts in a row, with writes between, end in agreement', async ({ newPerson, server }) => {
  const { anna, bert } = await together(newPerson, 'Bread');
  for (const life of [1, 2, 3]) {
    await server.kill();
    await addTodo(anna, `anna ${life}`);
    await addTodo(bert, `bert ${life}`);
    await server.start();
    await waitSynced(anna);
    await waitSynced(bert);
  }
  await agree(anna, bert);
  await expect(rows(anna)).toHaveCount(7);
  await expect(row(anna, 'bert 3')).toBeVisible();
});
