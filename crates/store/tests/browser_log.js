// Access to the browser's database from outside the store, and simulated behaviour of browsers.

const withStores = (name, mode, act) =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(["log", "meta"], mode);
      const request = act(transaction.objectStore("log"), transaction.objectStore("meta"));
      transaction.oncomplete = () => {
        database.close();
        resolve(request.result);
      };
      transaction.onabort = () => reject(transaction.error);
    };
  });

export const logKeys = (name) => withStores(name, "readonly", (log) => log.getAllKeys());
export const metaKeys = (name) => withStores(name, "readonly", (_, meta) => meta.getAllKeys());
export const putInLog = (name, key, bytes) =>
  withStores(name, "readwrite", (log) => log.put(bytes, key));

export const deleteFromMeta = (name, key) =>
  withStores(name, "readwrite", (_, meta) => meta.delete(key));

/** Raises the version of the database. */
export const upgrade = (name, version) =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      opening.result.close();
      resolve();
    };
  });

/** Opens a connection that doesn't close for an upgrade. */
export const hold = (name) =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => resolve(opening.result);
  });

export const pause = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const becomeVisible = () => document.dispatchEvent(new Event("visibilitychange"));

/** Returns a function that replaces a property; `undefined` restores it. */
const replacing = (object, name) => {
  const original = Object.getOwnPropertyDescriptor(object, name);
  return (property) => Object.defineProperty(object, name, property ?? original);
};

const message = replacing(BroadcastChannel.prototype, "postMessage");
export const loseHints = (on) => message(on ? { configurable: true, value: () => {} } : undefined);

const channel = replacing(globalThis, "BroadcastChannel");
export const hideChannels = (on) => channel(on ? { configurable: true, value: undefined } : undefined);

const add = replacing(IDBObjectStore.prototype, "add");
export const fillDisk = (on) => {
  const fail = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  add(on ? { configurable: true, value: fail } : undefined);
};

const factory = replacing(globalThis, "indexedDB");
export const forbidStorage = (on) => {
  const fail = () => {
    throw new DOMException("forbidden", "SecurityError");
  };
  factory(on ? { configurable: true, get: fail } : undefined);
};

let writing = 0;
const original = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (stores, mode, ...rest) {
  if (mode === "readwrite") writing += 1;
  return original.call(this, stores, mode, ...rest);
};
/** The number of writing transactions so far. */
export const writingTransactions = () => writing;

/** Whether any stored bytes of the database contain this text. */
export const holdsText = async (name, text) => {
  const stored = [
    await withStores(name, "readonly", (log) => log.getAll()),
    await withStores(name, "readonly", (_, meta) => meta.getAll()),
  ].flat();
  const bytes = stored.filter((value) => value instanceof Uint8Array);
  return bytes.some((value) => new TextDecoder("latin1").decode(value).includes(text));
};
