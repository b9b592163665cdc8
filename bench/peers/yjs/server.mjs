// Hocuspocus' server, which keeps its data in memory. Run by itself it says its port.

import { Server } from "@hocuspocus/server";

export async function serve() {
  const server = new Server({ address: "127.0.0.1", port: 0, quiet: true });
  await server.listen();
  return server.address.port;
}

if (process.argv[1] === import.meta.filename) console.log(await serve());
