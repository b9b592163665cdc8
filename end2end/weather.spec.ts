// Everything goes wrong for a while, and then nobody has lost anything.
//
// SETTEE_WEATHER_SECONDS says for how long.

import { setTimeout as pause } from 'node:timers/promises';
import {
  HEALS_WITHIN, addTodo, agree, expect, openList, test, titles, together, waitSynced,
} from './fixtures';

// Snapshots of pages with so many rows take longer than the pages do.
test.use({ trace: { mode: 'retain-on-failure', snapshots: false } });

const SECONDS = Number(process.env.SETTEE_WEATHER_SECONDS ?? 20);
const KILLED_EVERY = SECONDS < 60 ? 5_000 : 10_000;
const CLIENTS = 10;
/** Between two edits of one client: so long that a page has no more rows than it can show. */
const CLIENTS_PAUSE = Math.max(1_000, (SECONDS * 1_000 * CLIENTS) / 1_500);

test('nothing that was saved is lost in any weather, and everybody agrees afterwards', async ({
  newPerson, newDoor, newCrowd, server,
}) => {
  test.setTimeout(SECONDS * 1_000 + 5 * HEALS_WITHIN);
  const door = await newDoor();
  const visitor = () => newPerson({ baseURL: door.url });
  const { anna, bert, link } = await together(visitor, 'Bread');
  const clara = await visitor();
  await openList(clara, link);
  const crowd = await newCrowd(door.url, link, CLIENTS, CLIENTS_PAUSE);

  const saved = ['Bread'];
  let [kills, cuts, swallowed] = [0, 0, 0];
  const ends = Date.now() + SECONDS * 1_000;
  const isRough = () => Date.now() < ends;
  const writing = Object.entries({ anna, bert, clara }).map(async ([name, page]) => {
    for (let n = 1; isRough(); n++) {
      const title = `${name} ${n}`;
      await addTodo(page, title);
      await expect(page.getByText(title, { exact: true })).toHaveCount(1);
      saved.push(title);
      await pause(500 + 1_000 * Math.random());
    }
  });
  const killing = async () => {
    while (isRough()) {
      await pause(KILLED_EVERY * (0.5 + Math.random()));
      await server.kill();
      kills++;
      await pause(1_000 * Math.random());
      await server.start();
    }
  };
  const cutting = async () => {
    while (isRough()) {
      await pause(1_000 * Math.random());
      cuts += door.cut(0.1);
      swallowed += door.swallow(0.02);
    }
  };
  await Promise.all([...writing, killing(), cutting()]);

  // What the pages have is with the server then, so that the crowd can have it, and the other way round.
  for (const page of [anna, bert, clara]) await waitSynced(page);
  const outcome = await crowd.finish();
  expect(outcome).toMatchObject({ refused: 0, stuck: 0 });
  const all = outcome.titles.toSorted();
  expect(new Set(all).size, 'no title twice').toBe(all.length);
  const lost = [...saved, ...crowd.acknowledged].filter((title) => !all.includes(title));
  expect(lost, 'what is lost').toEqual([]);
  for (const page of [anna, bert, clara]) {
    await expect.poll(async () => (await titles(page)).toSorted(), { timeout: HEALS_WITHIN }).toEqual(all);
    await waitSynced(page);
  }
  await agree(anna, bert);
  await agree(anna, clara);

  const acknowledged = crowd.acknowledged.length;
  const summary = `${SECONDS} s: ${kills} times kill -9, ${cuts} connections cut, ${swallowed} swallowed; ` +
    `${all.length} todos, ${saved.length} by pages, ${acknowledged} acknowledged to programs`;
  test.info().annotations.push({ type: 'weather', description: summary });
  console.log(`weather, ${summary}`);
});
