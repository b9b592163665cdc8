// Automerge and automerge-repo. The server writes files some time after it has acknowledged a
// change, and doesn't flush them to disk.
//
// A list is an Automerge document, and each todo is a map in it, so that its fields merge. All
// clients begin with the same empty list, and derive its id from its name.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";

import * as Automerge from "@automerge/automerge";
import { Repo, parseAutomergeUrl, stringifyAutomergeUrl } from "@automerge/automerge-repo";
import { WebSocketClientAdapter, WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";
import WebSocket, { WebSocketServer } from "ws";

import { run } from "../roles.mjs";
import { countMessages } from "../traffic.mjs";

const empty = Automerge.save(
  Automerge.change(Automerge.init({ actor: "00" }), { time: 0 }, (list) => (list.todos = {})),
);

function documentId(list) {
  const bytes = createHash("sha256").update(list).digest().subarray(0, 16);
  return parseAutomergeUrl(stringifyAutomergeUrl({ documentId: new Uint8Array(bytes) })).documentId;
}

/** Whether a patch puts a todo into the list, and not a field into a todo. */
const isTodo = ({ action, path }) => action === "put" && path.length === 2;

class Device {
  #port;
  #repo = new Repo();
  #handle;
  #adapter;

  constructor(port, list, saw) {
    this.#port = port;
    this.#handle = this.#repo.import(empty, { docId: documentId(list) });
    this.#handle.on("change", ({ patches }) => saw(patches.filter(isTodo).map(({ path }) => path[1])));
  }

  write(drafts) {
    this.#handle.change((list) => {
      for (const [id, fields] of drafts) list.todos[id] = fields;
    });
  }

  connect() {
    this.#adapter = new WebSocketClientAdapter(`ws://127.0.0.1:${this.#port}`);
    this.#repo.networkSubsystem.addNetworkAdapter(this.#adapter);
  }

  /** Only asked of empty lists: the server knows as much as the device. */
  upToDate() {
    return this.acknowledged();
  }

  async acknowledged() {
    const isKnown = () => {
      const [server] = this.#repo.peers;
      const storage = server && this.#repo.getStorageIdOfPeer(server);
      const heads = storage && this.#handle.getSyncInfo(storage)?.lastHeads;
      return heads?.join() === this.#handle.heads().join();
    };
    while (!isKnown()) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  close() {
    this.#adapter.disconnect();
  }
}

async function serve() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  new Repo({
    network: [new WebSocketServerAdapter(server)],
    storage: new NodeFSStorageAdapter(await mkdtemp("automerge-")),
    sharePolicy: async () => false,
  });
  return server.address().port;
}

await run(import.meta.filename, {
  name: "automerge",
  serve,
  traffic: () => countMessages(WebSocket),
  Device,
});
