// PouchDB and pouch-websocket-sync. The server is a PouchDB too. Both keep their data in memory.

import { createServer } from "node:http";
import { createRequire } from "node:module";

import { PouchDevice } from "../pouch.mjs";
import { run } from "../roles.mjs";
import { countMessages } from "../traffic.mjs";

const require = createRequire(import.meta.url);
const memory = require("memdown");
const PouchDb = require("pouchdb");
const PouchSync = require("pouch-websocket-sync");

const create = (name) => new PouchDb({ name, db: memory });

class Device extends PouchDevice {
  static #count = 0;

  constructor(port, list, saw) {
    const begin = (database) => {
      const client = PouchSync.createClient();
      const sync = client.sync(database, { remoteName: list, credentials: {} });
      client.connect(`ws://127.0.0.1:${port}`);
      return sync;
    };
    super(create(`device-${Device.#count++}`), begin, saw);
  }
}

async function serve() {
  const lists = new Map();
  const server = createServer();
  PouchSync.createServer(server, (credentials, list, done) => {
    if (!lists.has(list)) lists.set(list, create(list));
    done(null, lists.get(list));
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return server.address().port;
}

await run(import.meta.filename, {
  name: "pouch-websocket-sync",
  serve,
  traffic: () => countMessages(require("ws")),
  Device,
});
