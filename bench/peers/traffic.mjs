// Counts the traffic of a client process.

import { subscribe } from "node:diagnostics_channel";

const size = (data) => (typeof data === "string" ? Buffer.byteLength(data) : data.byteLength ?? data.length);

/**
 * The messages of all WebSockets, and the bytes in them, for any version of `ws`. What holds the
 * messages is not counted, nor is it with ours: heads of frames, pings, the request to upgrade.
 */
export function countMessages(WebSocket) {
  const traffic = { frames: 0, bytes: 0 };
  const { send, emit } = WebSocket.prototype;
  const count = (data) => {
    traffic.frames += 1;
    traffic.bytes += size(data);
  };
  WebSocket.prototype.send = function (data, ...rest) {
    count(data);
    return send.call(this, data, ...rest);
  };
  WebSocket.prototype.emit = function (event, data, ...rest) {
    if (event === "message") count(data);
    return emit.call(this, event, data, ...rest);
  };
  return () => ({ ...traffic });
}

/**
 * Requests and responses over HTTP, and all bytes in their connections. The heads are counted, for
 * with HTTP they say what a message of another protocol says itself.
 */
export function countRequests() {
  let frames = 0;
  const sockets = [];
  subscribe("http.client.request.start", () => (frames += 1));
  subscribe("http.client.response.finish", () => (frames += 1));
  subscribe("net.client.socket", ({ socket }) => sockets.push(socket));
  const carried = (bytes, socket) => bytes + socket.bytesRead + socket.bytesWritten;
  return () => ({ frames, bytes: sockets.reduce(carried, 0) });
}
