// PouchDB as built for browsers, with its default settings. It doesn't ask IndexedDB for
// durability, so a completed write may not have reached the disk.

// The test runner serves the folder of this package.
const FOLDER = "/peers/browser/node_modules/pouchdb/dist";

const load = (file) =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${FOLDER}/${file}`;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`there is no ${file}`));
    document.head.append(script);
  });

let loading;

const loaded = () => (loading ??= load("pouchdb.min.js").then(() => load("pouchdb.indexeddb.min.js")));

/** What `Peer` measures, with one of PouchDB's two ways to keep documents in IndexedDB. */
export async function pouchDb(adapter) {
  await loaded();
  const create = (name) => new PouchDB(name, { adapter });
  return {
    open: async (name) => {
      const database = create(name);
      // The constructor doesn't wait until the database is open.
      await database.info();
      return database;
    },
    close: (database) => database.close(),
    remove: (name) => create(name).destroy(),
    document: (id, fields) => ({ _id: id, ...fields }),
    batch: async (database, documents) => {
      const outcomes = await database.bulkDocs(documents);
      if (!outcomes.every((outcome) => outcome.ok)) throw new Error("a document was refused");
    },
    single: (database, document) => database.put(document),
    all: async (database) => (await database.allDocs({ include_docs: true })).rows,
    get: (database, id) => database.get(id),
    changes: async (database) =>
      (await database.changes({ since: 0, include_docs: true })).results,
  };
}
