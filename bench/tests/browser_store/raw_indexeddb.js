// IndexedDB used directly with one record a document, which shows the speed of the browser itself.

const STORE = "documents";

const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const open = (name) => {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
  return answer(request);
};

const put = (database, documents) =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    for (const document of documents) transaction.objectStore(STORE).put(document);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });

const documents = (database) => database.transaction(STORE).objectStore(STORE);

/** What `Peer` measures. There is no order of changes that it could ask for. */
export const rawIndexedDb = () => ({
  open,
  close: async (database) => database.close(),
  remove: (name) => answer(indexedDB.deleteDatabase(name)),
  document: (id, fields) => ({ id, ...fields }),
  batch: put,
  single: (database, document) => put(database, [document]),
  all: (database) => answer(documents(database).getAll()),
  get: (database, id) => answer(documents(database).get(id)),
});
