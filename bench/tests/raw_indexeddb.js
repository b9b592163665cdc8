// IndexedDB used directly, one record a document: what the browser itself can do.

const STORE = "documents";

const open = (name) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const put = (database, documents) =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    for (const document of documents) transaction.objectStore(STORE).put(document);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });

const all = (database) =>
  new Promise((resolve, reject) => {
    const request = database.transaction(STORE).objectStore(STORE).getAll();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const todo = (number) => ({
  id: `todo/${crypto.randomUUID()}`,
  title: `todo number ${number}`,
  completed: false,
  position: "a0",
});

const todos = (count) => Array.from({ length: count }, (_, number) => todo(number));

export const now = () => performance.now();

/** Milliseconds for one transaction that puts so many documents. */
export async function rawBatch(name, count) {
  const database = await open(name);
  const documents = todos(count);
  const start = now();
  await put(database, documents);
  const time = now() - start;
  database.close();
  return time;
}

/** Milliseconds until a database is open and all its documents have been read. */
export async function rawOpen(name) {
  const start = now();
  const database = await open(name);
  await all(database);
  const time = now() - start;
  database.close();
  return time;
}

/** Milliseconds for each of so many puts, one after the other. */
export async function rawSingles(name, count) {
  const database = await open(name);
  const documents = todos(count);
  const start = now();
  for (const document of documents) await put(database, [document]);
  const time = (now() - start) / count;
  database.close();
  return time;
}
