// The roles of a script's processes: server, client, or measuring.

import { Todos, now, sleep } from "./common.mjs";
import { answer, Process } from "./processes.mjs";
import { measure } from "./cases.mjs";

/**
 * Runs the script of a peer, which has
 *
 * - `name`;
 * - `serve()`: starts a server that may write to the working directory, and resolves to its port;
 * - `traffic()`: begins to count, and returns what tells `{ frames, bytes }` so far;
 * - `Device`: made from a port, a list's name and `saw`, which is to be called with the ids of
 *   documents as they come from others (its own may be among them). It has an empty database and
 *   - `write(drafts)` in one transaction, `connect()`, `close()`;
 *   - `upToDate()`: resolves once it has connected and has all that the server has;
 *   - `acknowledged()`: resolves once the server has acknowledged all that was written.
 */
export async function run(script, peer) {
  const role = process.argv[2];
  if (role === "server") answer(server(await peer.serve()));
  else if (role === "client") answer(client(peer));
  else await measure(peer.name, (started) => new Process(script, started));
}

const server = (port) => ({
  port: () => port,
  memory: () => process.memoryUsage.rss(),
});

function client(peer) {
  const traffic = peer.traffic();
  const devices = [];
  let device, todos, written, seen, awaited;

  const saw = (sightings, ids) => {
    const time = now();
    for (const id of ids) if (!sightings.has(id)) sightings.set(id, time);
    if (sightings === seen && seen.size >= awaited?.count) awaited.resolve();
  };
  const put = () => {
    const draft = todos.draft();
    written.set(draft[0], now());
    return device.write([draft]);
  };

  return {
    traffic,
    /** The other functions are about the device that was opened last. */
    open({ port, list }) {
      todos = new Todos();
      written = new Map();
      const sightings = (seen = new Map());
      device = new peer.Device(port, list, (ids) => saw(sightings, ids));
      devices.push(device);
    },
    write: (count) => device.write(todos.drafts(count)),
    put,
    async putSteadily({ count, gap }) {
      for (let number = 0; number < count; number++) {
        await put();
        await sleep(gap);
      }
    },
    async connect() {
      const time = now();
      await device.connect();
      return time;
    },
    upToDate: () => device.upToDate(),
    acknowledged: () => device.acknowledged(),
    /** When it had so many documents. */
    async has(count) {
      if (seen.size < count) await new Promise((resolve) => (awaited = { count, resolve }));
      awaited = undefined;
      return [...seen.values()][count - 1];
    },
    /** When each was put. */
    written: () => [...written],
    /** When each came. */
    seen: () => [...seen],
    async close() {
      for (const open of devices.splice(0)) await open.close();
    },
  };
}
