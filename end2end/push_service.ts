// A push service of the tests' own, and a browser's part in Web Push (RFC 8291), which a browser without a network
// can't play itself.

import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CDPSession, Page, Worker } from '@playwright/test';

const PUBLIC_KEY = 65;
const SALT = 16;

export class PushService {
  private readonly keys = createECDH('prime256v1');
  private readonly secret = randomBytes(16);
  private readonly waiting: ((message: string) => void)[] = [];
  private readonly messages: string[] = [];
  /** What is answered to whoever sends something. */
  status = 201;

  private constructor(private readonly server: Server) {
    this.keys.generateKeys();
    server.on('request', async (request, response) => {
      if (this.status === 201) this.take(await this.decrypted(request));
      response.writeHead(this.status).end();
    });
  }

  static async start(): Promise<PushService> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PushService(server);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** What a browser that has subscribed here would say of itself. */
  get subscription() {
    const { port } = this.server.address() as AddressInfo;
    const keys = { p256dh: this.keys.getPublicKey('base64url'), auth: this.secret.toString('base64url') };
    return { endpoint: `http://127.0.0.1:${port}/device`, keys };
  }

  /** The next message, as the browser reads it. */
  next(): Promise<string> {
    const message = this.messages.shift();
    return message !== undefined ? Promise.resolve(message) : new Promise((done) => this.waiting.push(done));
  }

  private take(message: string): void {
    const waiting = this.waiting.shift();
    if (waiting) waiting(message);
    else this.messages.push(message);
  }

  private async decrypted(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const salt = body.subarray(0, SALT);
    const header = SALT + 5;
    const sender = body.subarray(header, header + PUBLIC_KEY);
    const sealed = body.subarray(header + PUBLIC_KEY);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.keys.getPublicKey(), sender]);
    const shared = hkdfSync('sha256', this.keys.computeSecret(sender), this.secret, info, 32);
    const derive = (name: string, length: number) =>
      Buffer.from(hkdfSync('sha256', Buffer.from(shared), salt, `Content-Encoding: ${name}\0`, length));
    const cipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    cipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    // The text ends with a 2, and zeros follow.
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
}

/** Has the page's service worker subscribe to this service instead of the browser's own. */
export async function subscribesTo(page: Page, service: PushService): Promise<Worker> {
  const worker = page.context().serviceWorkers()[0] ?? (await page.context().waitForEvent('serviceworker'));
  await worker.evaluate((subscription) => {
    const manager = (self as unknown as { PushManager: { prototype: object } }).PushManager;
    const subscribed = async () => subscription;
    Object.assign(manager.prototype, { subscribe: subscribed, getSubscription: subscribed });
  }, service.subscription);
  return worker;
}

/** Delivers a message to the page's service worker, as the browser does when one comes. */
export async function deliver(page: Page, data: string): Promise<void> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const origin = new URL(page.url()).origin;
  const registered = new Promise<string>((done) =>
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const ours = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin));
      if (ours) done(ours.registrationId);
    }),
  );
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId: await registered, data });
  await session.detach();
}

/** What the device shows. */
export const notifications = (worker: Worker): Promise<{ title: string; body: string }[]> =>
  worker.evaluate(async () => {
    const scope = self as unknown as { registration: ServiceWorkerRegistration };
    const shown = await scope.registration.getNotifications();
    return shown.map(({ title, body }) => ({ title, body }));
  });
