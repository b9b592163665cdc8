// A TCP proxy in front of the server, which simulates network faults.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Server } from './server';

/** Throttled bytes are forwarded in this many steps a second. */
const STEPS = 20;

type Connection = { client: Socket; server: Socket; isStalled: boolean };

export class NetworkProxy {
  /** Bytes a second, in each direction of each connection. */
  private rate = Infinity;
  private stallsNew = false;
  private readonly connections = new Set<Connection>();
  private readonly listener = createServer((client) => this.accept(client));
  private record = (_bytes: Buffer) => {};

  private constructor(private readonly server: Server) {}

  static async start(server: Server): Promise<NetworkProxy> {
    const proxy = new NetworkProxy(server);
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Resets connections, each with this probability. Returns how many. Both sides notice. */
  reset(probability = 1): number {
    const chosen = this.choose(probability);
    for (const { client, server } of chosen) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    return chosen.length;
  }

  /**
   * Stalls connections, each with this probability. Returns how many. A stalled connection stays
   * open and forwards nothing, so neither side notices.
   */
  stall(probability = 1): number {
    const chosen = this.choose(probability);
    for (const connection of chosen) connection.isStalled = true;
    return chosen.length;
  }

  /** Stalls all connections, and new ones until `forwardNew` is called. */
  stallAll(): void {
    this.stallsNew = true;
    this.stall();
  }

  /** Forwards new connections again. Stalled ones stay stalled. */
  forwardNew(): void {
    this.stallsNew = false;
  }

  /** Limits each direction of each connection to `rate` bytes a second from now on. */
  throttle(rate: number): void {
    this.rate = rate;
  }

  /** Records all bytes from clients from now on. Returns a function that returns them. */
  recordRequests(): () => string {
    let recorded = '';
    this.record = (bytes) => (recorded += bytes.toString('latin1'));
    return () => recorded;
  }

  close(): void {
    this.server.wasUnreachable = true;
    this.listener.close();
    for (const { client, server } of this.connections) {
      client.destroy();
      server.destroy();
    }
  }

  private choose(probability: number): Connection[] {
    const flowing = [...this.connections].filter(({ isStalled }) => !isStalled);
    const chosen = flowing.filter(() => Math.random() < probability);
    if (chosen.length > 0) this.server.wasUnreachable = true;
    return chosen;
  }

  private accept(client: Socket): void {
    const server = connect(Number(new URL(this.server.url).port), '127.0.0.1');
    const connection = { client, server, isStalled: this.stallsNew };
    this.connections.add(connection);
    for (const [one, other] of [[client, server], [server, client]]) {
      one.setNoDelay();
      // A socket that fails is closed as well.
      one.on('error', () => {});
      one.on('close', () => {
        if (!connection.isStalled) other.destroy();
        if (other.destroyed) this.connections.delete(connection);
      });
    }
    this.forward(client, server, connection);
    this.forward(server, client, connection);
  }

  private async forward(from: Socket, to: Socket, connection: Connection): Promise<void> {
    try {
      for await (const bytes of from) {
        if (from === connection.client) this.record(bytes);
        for (let at = 0; at < bytes.length && !connection.isStalled; ) {
          if (this.rate < Infinity) await pause(1000 / STEPS);
          const end = Math.min(bytes.length, at + Math.ceil(this.rate / STEPS));
          if (!to.write(bytes.subarray(at, end))) await once(to, 'drain');
          at = end;
        }
      }
      if (!connection.isStalled) to.end();
    } catch {
      // One of the two sockets is closed. Its `close` event destroys the other.
    }
  }
}
