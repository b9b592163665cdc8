// Yjs and Hocuspocus. The server keeps its data in memory, so acknowledged changes are lost when it
// ends.
//
// A list is a Yjs document, and each todo is a map in it, so that its fields merge.

import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import WebSocket from "ws";
import * as Y from "yjs";

import { run } from "../roles.mjs";
import { countMessages } from "../traffic.mjs";
import { serve } from "./server.mjs";

class Device {
  #url;
  #list;
  #document = new Y.Doc();
  #todos = this.#document.getMap("todos");
  #socket;
  #provider;

  constructor(port, list, saw) {
    this.#url = `ws://127.0.0.1:${port}`;
    this.#list = list;
    this.#todos.observe((event) => saw(event.keysChanged));
  }

  write(drafts) {
    this.#document.transact(() => {
      for (const [id, fields] of drafts) this.#todos.set(id, new Y.Map(Object.entries(fields)));
    });
  }

  connect() {
    const [url, name, document] = [this.#url, this.#list, this.#document];
    this.#socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket });
    this.#provider = new HocuspocusProvider({ websocketProvider: this.#socket, name, document });
    this.#provider.attach();
  }

  upToDate() {
    return this.#once("synced", () => this.#provider.synced);
  }

  async acknowledged() {
    await this.upToDate();
    await this.#once("unsyncedChanges", () => !this.#provider.hasUnsyncedChanges);
  }

  close() {
    this.#provider.destroy();
    this.#socket.destroy();
  }

  /** Resolves when something holds, which an event may bring about. */
  #once(event, holds) {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#provider.off(event, look);
        resolve();
      };
      this.#provider.on(event, look);
      look();
    });
  }
}

await run(import.meta.filename, {
  name: "yjs",
  serve,
  traffic: () => countMessages(WebSocket),
  Device,
});
