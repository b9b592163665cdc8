// A network between browser and server that answers by itself: a hotel's portal, a company's login,
// a proxy that passes on half a file.

import { once } from 'node:events';
import {
  createServer, request as ask, type IncomingMessage, type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Server } from './server';

export type Way =
  /** As if there were no portal. */
  | 'pass'
  /** A page with status 200 in place of the answer. */
  | 'page'
  /** To a page of the same site. */
  | 'redirect'
  /** The first half of the answer, as if that were all of it. */
  | 'half'
  /** Status 404. */
  | 'gone';

const LOGIN = '/portal/login';
const PAGE = '<!DOCTYPE html><title>Hotel</title><h1>Please accept the terms</h1>';

export class Portal {
  /** What is done with a request. */
  way: (request: IncomingMessage) => Way = () => 'pass';
  private readonly sockets = new Set<Socket>();
  private readonly listener = createServer((request, response) => this.answer(request, response));

  private constructor(private readonly server: Server) {
    this.listener.on('connection', (socket: Socket) => this.keep(socket));
    this.listener.on('upgrade', (request, socket, head) => this.join(request, socket as Socket, head));
  }

  static async start(server: Server): Promise<Portal> {
    const portal = new Portal(server);
    portal.listener.listen(0, '127.0.0.1');
    await once(portal.listener, 'listening');
    return portal;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.wasUnreachable = true;
    this.listener.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    // A socket that fails is closed as well.
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const way = request.url === LOGIN ? 'page' : this.way(request);
    if (way === 'page') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE);
    } else if (way === 'redirect') {
      response.writeHead(302, { Location: LOGIN }).end();
    } else if (way === 'gone') {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('gone');
    } else {
      this.pass(request, response, way === 'half');
    }
  }

  private pass(request: IncomingMessage, response: ServerResponse, isCut: boolean): void {
    const { hostname, port } = new URL(this.server.url);
    const { method, url: path, headers } = request;
    const passed = ask({ hostname, port, path, method, headers, agent: false }, async (answer) => {
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part);
      const whole = Buffer.concat(parts);
      const body = isCut ? whole.subarray(0, whole.length / 2) : whole;
      const length = answer.statusCode === 304 ? {} : { 'content-length': body.length };
      const { 'transfer-encoding': _, ...others } = answer.headers;
      response.writeHead(answer.statusCode!, { ...others, ...length }).end(body);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  }

  /** WebSockets pass as they are, or not at all. */
  private join(request: IncomingMessage, client: Socket, head: Buffer): void {
    if (this.way(request) !== 'pass') {
      client.destroy();
      return;
    }
    const server = connect(Number(new URL(this.server.url).port), '127.0.0.1');
    this.keep(server);
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    }
    server.write(`${lines.join('\r\n')}\r\n\r\n`);
    server.write(head);
    client.pipe(server).pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  }
}
