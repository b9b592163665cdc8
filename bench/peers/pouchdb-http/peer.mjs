// PouchDB over HTTP. The server is a PouchDB too. Both keep their data in memory.

import express from "express";
import expressPouchDb from "express-pouchdb";
import MemoryAdapter from "pouchdb-adapter-memory";
import PouchDb from "pouchdb";

import { PouchDevice } from "../pouch.mjs";
import { run } from "../roles.mjs";
import { countRequests } from "../traffic.mjs";

const Database = PouchDb.plugin(MemoryAdapter);

class Device extends PouchDevice {
  static #count = 0;

  constructor(port, list, saw) {
    const database = new Database(`device-${Device.#count++}`, { adapter: "memory" });
    const url = `http://127.0.0.1:${port}/${list}`;
    super(database, (database) => Database.sync(database, url, { live: true, retry: true }), saw);
  }
}

async function serve() {
  const app = express();
  const options = { mode: "minimumForPouchDB", inMemoryConfig: true, logPath: "pouchdb.log" };
  app.use(expressPouchDb(Database.defaults({ adapter: "memory" }), options));
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return server.address().port;
}

await run(import.meta.filename, { name: "pouchdb-http", serve, traffic: countRequests, Device });
