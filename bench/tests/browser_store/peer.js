// The measurements of a peer, the same as Settee's in `settee.rs`.

/** Milliseconds that an action takes, which is handed a database that is open. */
async function measured(store, name, action) {
  const database = await store.open(name);
  const start = performance.now();
  await action(database);
  const time = performance.now() - start;
  await store.close(database);
  return time;
}

function expect(rows, count) {
  if (rows.length !== count) throw new Error(`${rows.length} documents instead of ${count}`);
}

export class Peer {
  #store;

  constructor(store) {
    this.#store = store;
  }

  #documents(json) {
    return JSON.parse(json).map(([id, fields]) => this.#store.document(id, fields));
  }

  batch(name, json) {
    const documents = this.#documents(json);
    return measured(this.#store, name, (database) => this.#store.batch(database, documents));
  }

  singles(name, json) {
    const documents = this.#documents(json);
    return measured(this.#store, name, async (database) => {
      for (const document of documents) await this.#store.single(database, document);
    });
  }

  async open(name, count) {
    const start = performance.now();
    const database = await this.#store.open(name);
    const rows = await this.#store.all(database);
    const time = performance.now() - start;
    await this.#store.close(database);
    expect(rows, count);
    return time;
  }

  reads(name, json) {
    const ids = JSON.parse(json);
    return measured(this.#store, name, async (database) => {
      for (const id of ids) {
        if (!(await this.#store.get(database, id))) throw new Error("a document is missing");
      }
    });
  }

  /** Nothing, if the store keeps no order of changes. */
  async changes(name, count) {
    if (!this.#store.changes) return undefined;
    return measured(this.#store, name, async (database) => {
      expect(await this.#store.changes(database), count);
    });
  }

  remove(name) {
    return this.#store.remove(name);
  }
}
