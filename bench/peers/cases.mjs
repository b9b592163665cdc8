// The measurements of a peer, the same as Settee's in `src/program/sync.rs` and
// `src/program/memory.rs`.

import { median, percentile, sleep, tell } from "./common.mjs";

const DOCUMENTS = 5_000;
const LIVE_EDITS = 200;
const READERS = 4;
const FAN_OUT_EDITS = 100;
const GAP_MS = 20;
/** Between connecting and measuring. */
const REST_MS = 1_000;
/** After this the server has done what it does after the fact. */
const SERVER_REST_MS = 2_000;
/** No peer takes a third of this, unless something is stuck. */
const PATIENCE_MS = 180_000;

/** One round: a new server, and clients in a process each. */
export async function measure(name, start) {
  const processes = [];
  const started = (role) => {
    processes.push(start(role));
    return processes.at(-1);
  };
  const stuck = sleep(PATIENCE_MS).then(() => Promise.reject(new Error("stuck")));
  try {
    await Promise.race([stuck, figures(started, (...figure) => tell(name, ...figure))]);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
  for (const process of processes) process.end();
  process.exit();
}

async function figures(started, tell) {
  const server = started("server");
  const port = await server.call("port");
  const writer = started("client");
  const readers = Array.from({ length: READERS }, () => started("client"));
  const machine = { server, port, writer, readers };
  // The first case also warms up the JIT compiler of each process.
  await memory(machine, tell);
  await bulk(machine, tell);
  await live(machine, tell);
  await fanOut(machine, tell);
}

/** Opens a list on a client that has nothing yet, and hasn't connected. */
const open = (client, { port }, list) => client.call("open", { port, list });

/** One that has connected, and has all that the server has. */
async function upToDate(client, machine, list) {
  await open(client, machine, list);
  await client.call("connect");
  await client.call("upToDate");
}

const close = (...clients) => Promise.all(clients.map((client) => client.call("close")));

async function memory(machine, tell) {
  const { server, writer, readers: [reader] } = machine;
  await open(writer, machine, "memory");
  await writer.call("write", DOCUMENTS);
  await writer.call("connect");
  await writer.call("acknowledged");
  await open(reader, machine, "memory");
  await reader.call("connect");
  await reader.call("has", DOCUMENTS);
  await sleep(SERVER_REST_MS);
  tell("server_rss_mb", (await server.call("memory")) / 1e6, "MB");
  await close(writer, reader);
}

async function bulk(machine, tell) {
  const { writer, readers: [reader] } = machine;
  await upToDate(reader, machine, "bulk");
  await open(writer, machine, "bulk");
  await writer.call("write", DOCUMENTS);

  let before = await writer.call("traffic");
  let arrival = reader.call("has", DOCUMENTS);
  let start = await writer.call("connect");
  tell("push_docs_per_s", (DOCUMENTS / ((await arrival) - start)) * 1e3, "docs/s");
  await writer.call("acknowledged");
  const pushed = await writer.call("traffic");
  tell("push_bytes_per_doc", (pushed.bytes - before.bytes) / DOCUMENTS, "B");

  await open(reader, machine, "bulk");
  before = await reader.call("traffic");
  arrival = reader.call("has", DOCUMENTS);
  start = await reader.call("connect");
  tell("pull_docs_per_s", (DOCUMENTS / ((await arrival) - start)) * 1e3, "docs/s");
  const pulled = await reader.call("traffic");
  tell("pull_bytes_per_doc", (pulled.bytes - before.bytes) / DOCUMENTS, "B");
  await close(writer, reader);
}

async function live(machine, tell) {
  const { writer, readers: [reader] } = machine;
  await upToDate(writer, machine, "live");
  await upToDate(reader, machine, "live");
  await sleep(REST_MS);

  const before = await writer.call("traffic");
  for (let count = 1; count <= LIVE_EDITS; count++) {
    const arrival = reader.call("has", count);
    writer.tell("put");
    await arrival;
  }
  await writer.call("acknowledged");
  const after = await writer.call("traffic");
  const times = await delays(writer, [reader]);
  tell("live_p50_ms", median(times), "ms");
  tell("live_p95_ms", percentile(times, 95), "ms");
  tell("live_frames", (after.frames - before.frames) / LIVE_EDITS, "frames");
  tell("live_bytes", (after.bytes - before.bytes) / LIVE_EDITS, "B");
  await close(writer, reader);
}

async function fanOut(machine, tell) {
  const { writer, readers } = machine;
  for (const client of [writer, ...readers]) await upToDate(client, machine, "fan-out");
  await sleep(REST_MS);

  const arrivals = readers.map((reader) => reader.call("has", FAN_OUT_EDITS));
  await writer.call("putSteadily", { count: FAN_OUT_EDITS, gap: GAP_MS });
  await Promise.all(arrivals);
  tell("fanout4_p50_ms", median(await delays(writer, readers)), "ms");
  await close(writer, ...readers);
}

/** From each edit until each reader saw it. */
async function delays(writer, readers) {
  const written = new Map(await writer.call("written"));
  const seen = await Promise.all(readers.map((reader) => reader.call("seen")));
  return seen.flat().map(([id, time]) => time - written.get(id));
}
