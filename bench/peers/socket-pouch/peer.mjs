// PouchDB and socket-pouch. The server is a PouchDB too. Both keep their data in memory.

import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";

import { PouchDevice } from "../pouch.mjs";
import { run } from "../roles.mjs";
import { countMessages } from "../traffic.mjs";

const require = createRequire(import.meta.url);
const memory = require("memdown");
const PouchDb = require("pouchdb");
const socketServer = require("socket-pouch/server");

// PouchDB prints deprecation warnings about functions that it calls itself.
console.warn = () => {};

PouchDb.adapter("socket", require("socket-pouch/client"));

const create = (name) => new PouchDb(name, { db: memory });

class Device extends PouchDevice {
  static #count = 0;

  constructor(port, name, saw) {
    const url = `ws://127.0.0.1:${port}`;
    const socketOptions = { transports: ["websocket"] };
    const begin = (database) => {
      const remote = new PouchDb({ adapter: "socket", name, url, socketOptions });
      return PouchDb.sync(database, remote, { live: true });
    };
    super(create(`device-${Device.#count++}`), begin, saw);
  }
}

/** A port that nobody listens on, for the server doesn't tell which it was given. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function serve() {
  const port = await freePort();
  const lists = new Map();
  const pouchCreator = async (list) => {
    if (!lists.has(list)) lists.set(list, create(list));
    return { pouch: lists.get(list) };
  };
  await new Promise((resolve) => socketServer.listen(port, { pouchCreator }, resolve));
  return port;
}

await run(import.meta.filename, {
  name: "socket-pouch",
  serve,
  traffic: () => countMessages(require("ws")),
  Device,
});
