// A client with PouchDB, over any transport.

import { EventEmitter } from "node:events";

// A database has more listeners than Node's limit, which is not a leak.
EventEmitter.defaultMaxListeners = 0;

export class PouchDevice {
  #database;
  #begin;
  #saw;
  #sync;
  #written = 0;
  #pushed = 0;
  #isUpToDate = false;
  #look = () => {};

  /** `begin` starts to sync, and returns what tells of it. */
  constructor(database, begin, saw) {
    this.#database = database;
    this.#begin = begin;
    this.#saw = saw;
  }

  async write(drafts) {
    const documents = drafts.map(([id, fields]) => ({ _id: id, ...fields }));
    this.#written += documents.length;
    const results = await this.#database.bulkDocs(documents);
    if (results.some((result) => !result.ok)) throw new Error("a document was not written");
  }

  connect() {
    this.#sync = this.#begin(this.#database);
    // One listener for each event, never removed: PouchDB forwards an event once for each listener,
    // and stops forwarding as soon as one is removed.
    this.#sync.on("error", (error) => console.error(error));
    // Sync pauses when there is nothing left to send or receive.
    this.#sync.on("paused", () => {
      this.#isUpToDate = true;
      this.#look();
    });
    // Pulled documents have been written to the database.
    this.#sync.on("change", ({ direction, change }) => {
      if (direction === "push") this.#pushed += change.docs.length;
      else this.#saw(change.docs.map((document) => document._id));
      this.#look();
    });
  }

  upToDate() {
    return this.#until(() => this.#isUpToDate);
  }

  acknowledged() {
    return this.#until(() => this.#pushed >= this.#written);
  }

  close() {
    this.#sync.cancel();
  }

  #until(holds) {
    return new Promise((resolve) => {
      this.#look = () => holds() && resolve();
      this.#look();
    });
  }
}
