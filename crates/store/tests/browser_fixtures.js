// Converts IndexedDB databases to JSON and back: bytes become hex digits, other values are kept.

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The contents of a database: for each store, its keys with their values. */
export const dump = async (name) => {
  const database = await settled(indexedDB.open(name));
  const dumped = { version: database.version, stores: {} };
  for (const store of database.objectStoreNames) {
    const within = database.transaction(store).objectStore(store);
    const [keys, values] = [within.getAllKeys(), within.getAll()];
    const found = [await settled(keys), await settled(values)];
    dumped.stores[store] = found[0].map((key, at) => {
      const value = found[1][at];
      return [key, value instanceof Uint8Array ? hex(value) : value];
    });
  }
  database.close();
  return JSON.stringify(dumped);
};

/** Replaces a database by one with dumped contents. */
export const seed = async (name, json) => {
  const { version, stores } = JSON.parse(json);
  await settled(indexedDB.deleteDatabase(name));
  const opening = indexedDB.open(name, version);
  opening.onupgradeneeded = () => {
    for (const store of Object.keys(stores)) opening.result.createObjectStore(store);
  };
  const database = await settled(opening);
  const names = Object.keys(stores);
  const transaction = database.transaction(names, "readwrite");
  for (const store of names) {
    for (const [key, value] of stores[store]) {
      transaction.objectStore(store).put(typeof value === "string" ? bytes(value) : value, key);
    }
  }
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
};

export const pause = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
