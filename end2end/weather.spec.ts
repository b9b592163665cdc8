// Faults of all kinds at once, after which nothing is lost.
//
// SETTEE_WEATHER_SECONDS is the duration in seconds.

import { setTimeout as pause } from 'node:timers/promises';
import { addTodo, openList, together } from './actions';
import { expect, test } from './fixtures';
import { RECOVERY_TIMEOUT, agree, titles, waitSent, waitSynced } from './page';

const SECONDS = Number(process.env.SETTEE_WEATHER_SECONDS ?? 20);
const KILL_INTERVAL = SECONDS < 60 ? 5_000 : 10_000;
const CLIENTS = 10;
/** Milliseconds between two edits of one client, which limits the number of rows on a page. */
const CLIENT_PAUSE = Math.max(1_000, (SECONDS * 1_000 * CLIENTS) / 1_500);

test('nothing that was saved is lost to faults, and everybody agrees afterwards', async ({
  newPerson, newProxy, newCrowd, server,
}) => {
  test.setTimeout(SECONDS * 1_000 + 5 * RECOVERY_TIMEOUT);
  const proxy = await newProxy();
  const newVisitor = () => newPerson({ baseURL: proxy.url });
  const { anna, bert, link } = await together(newVisitor, 'Bread');
  const clara = await newVisitor();
  await openList(clara, link);
  const crowd = await newCrowd(proxy.url, link, CLIENTS, CLIENT_PAUSE);

  const saved = ['Bread'];
  let [kills, resets, stalls] = [0, 0, 0];
  const ends = Date.now() + SECONDS * 1_000;
  const isRunning = () => Date.now() < ends;
  const writing = Object.entries({ anna, bert, clara }).map(async ([name, page]) => {
    for (let n = 1; isRunning(); n++) {
      const title = `${name} ${n}`;
      await addTodo(page, title);
      await expect(page.getByText(title, { exact: true })).toHaveCount(1);
      saved.push(title);
      await pause(500 + 1_000 * Math.random());
    }
  });
  const killing = async () => {
    while (isRunning()) {
      await pause(KILL_INTERVAL * (0.5 + Math.random()));
      await server.kill();
      kills++;
      await pause(1_000 * Math.random());
      await server.start();
    }
  };
  const cutting = async () => {
    while (isRunning()) {
      await pause(1_000 * Math.random());
      resets += proxy.reset(0.1);
      stalls += proxy.stall(0.02);
    }
  };
  await Promise.all([...writing, killing(), cutting()]);

  // Once the server has the pages' todos, the crowd receives them from it, and vice versa. The crowd
  // writes until then.
  for (const page of [anna, bert, clara]) await waitSent(page);
  const outcome = await crowd.finish();
  expect(outcome).toMatchObject({ refused: 0, stuck: 0 });
  const all = outcome.titles.toSorted();
  expect(new Set(all).size, 'no title twice').toBe(all.length);
  const lost = [...saved, ...crowd.acknowledged].filter((title) => !all.includes(title));
  expect(lost, 'lost titles').toEqual([]);
  for (const page of [anna, bert, clara]) {
    await expect.poll(async () => (await titles(page)).toSorted(), { timeout: RECOVERY_TIMEOUT }).toEqual(all);
    await waitSynced(page);
  }
  await agree(anna, bert);
  await agree(anna, clara);

  const acknowledged = crowd.acknowledged.length;
  const summary = `${SECONDS} s: ${kills} times kill -9, ${resets} connections reset, ${stalls} stalled; ` +
    `${all.length} todos, ${saved.length} by pages, ${acknowledged} acknowledged to native clients`;
  test.info().annotations.push({ type: 'weather', description: summary });
  console.log(`weather, ${summary}`);
});
