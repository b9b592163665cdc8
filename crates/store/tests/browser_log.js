// The browser from outside of the store: what is in its database, and how browsers can behave.

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

/** Makes it a database of a later version. */
export const upgrade = (name, version) =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      opening.result.close();
      resolve();
    };
  });

/** A connection that doesn't let go. */
export const hold = (name) =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => resolve(opening.result);
  });

export const pause = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const becomeVisible = () => document.dispatchEvent(new Event("visibilitychange"));

/** Replaces a property until it is called with `undefined`. */
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
/** How many transactions have been begun so far that write. */
export const writingTransactions = () => writing;
