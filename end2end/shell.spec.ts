// Everything that the server serves besides the sync protocol.

import { existsSync, readdirSync } from 'node:fs';
import { request as ask, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { addTodo, copyLink, openList, reload, tokenOf } from './actions';
import { built } from './builds';
import { expect, test } from './fixtures';
import { shows, waitInstalled, waitSynced } from './page';

type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** A plain HTTP request: no headers are added, and the body is not decoded. */
const get = (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((done, failed) => {
    const [, host, port, path] = /^http:\/\/([^:/]+):(\d+)(.*)$/.exec(url)!;
    const asked = ask({ host, port, path: path || '/', headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () =>
        done({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }),
      );
    });
    asked.on('upgrade', (answer, socket) => {
      socket.destroy();
      done({ status: answer.statusCode!, headers: answer.headers, body: Buffer.alloc(0) });
    });
    asked.on('error', failed);
    asked.end();
  });

const handshake = (origin?: string): Record<string, string> => ({
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  ...(origin ? { Origin: origin } : {}),
});

/** The hashed files that the page refers to. */
async function assets(server: { url: string }): Promise<string[]> {
  const page = (await get(server.url)).body.toString();
  return [...new Set(page.match(/\/pkg\/[^"'\s)<>]+\.(?:js|css|wasm)/g))];
}

test('the page has a strict content security policy and sends no referrer', async ({ server }) => {
  const { status, headers } = await get(server.url);
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/html; ?charset=utf-8$/i);
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBe('no-referrer');
  expect(headers['cache-control']).toContain('no-cache');

  const policy = new Map(
    String(headers['content-security-policy']).split(';').map((part) => {
      const [name, ...sources] = part.trim().split(/\s+/);
      return [name, sources] as const;
    }),
  );
  expect(policy.get('default-src')).toEqual(["'none'"]);
  expect(policy.get('base-uri')).toEqual(["'none'"]);
  expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
  expect(policy.get('form-action')).toEqual(["'none'"]);
  for (const [name, sources] of policy) {
    expect(sources, name).not.toContain("'unsafe-inline'");
    expect(sources, name).not.toContain("'unsafe-eval'");
    expect(sources.filter((source) => /^(\*|https?:|wss?:)$/.test(source)), name).toEqual([]);
  }
  expect(policy.get('script-src')).toContain("'wasm-unsafe-eval'");
});

test('the page is the same for every list, and contains nobody\'s data', async ({ server, page }) => {
  const first = (await get(server.url)).body.toString();
  await openList(page);
  await addTodo(page, 'Very private');
  await waitSynced(page);
  const list = new URL(await copyLink(page)).pathname;
  for (const address of ['/', '/l/x', '/l/0123456789abcdefghjkmnpqrs', list]) {
    const answer = await get(server.url + address);
    expect(answer.status, address).toBe(200);
    expect(answer.body.toString(), address).toBe(first);
  }
});

test('the HTML has a language, a title, a landmark and a heading', async ({ server }) => {
  const html = (await get(server.url)).body.toString();
  expect(html).toMatch(/<html[^>]* lang="en"/);
  expect(html).toMatch(/<title>[^<]*Settee/);
  expect(html).toContain('<main');
  expect(html).toContain('<h1');
  expect(html).toMatch(/<div[^>]*id="panic"/);
});

test('health is 200, and unknown addresses are 404', async ({ server }) => {
  expect((await get(`${server.url}/health`)).status).toBe(200);
  for (const address of ['/no/such/page', '/pkg/none.js', '/none.png']) {
    expect((await get(server.url + address)).status, address).toBe(404);
  }
  for (const address of ['/pkg/../../../etc/passwd', '/%2e%2e/%2e%2e/%2e%2e/etc/passwd', '/pkg/..%2f..%2fCargo.toml']) {
    const { status, body } = await get(server.url + address);
    expect(status, address).toBeGreaterThanOrEqual(400);
    expect(body.toString(), address).not.toMatch(/root:|\[package\]/);
  }
});

test('assets have a hash in their name and are immutable', async ({ server }) => {
  const named = await assets(server);
  for (const kind of ['js', 'css', 'wasm']) {
    expect(named.filter((name) => name.endsWith(`.${kind}`)), kind).not.toEqual([]);
  }
  const types = { js: /^(text|application)\/javascript/, css: /^text\/css/, wasm: /^application\/wasm$/ };
  for (const name of named) {
    const { status, headers } = await get(server.url + name);
    expect(status, name).toBe(200);
    expect(name).toMatch(/(settee|__wasm_split)\.[A-Za-z0-9_-]{8,}\.(js|css|wasm)$/);
    expect(headers['cache-control'], name).toMatch(/max-age=31536000/);
    expect(headers['cache-control'], name).toContain('immutable');
    expect(headers['x-content-type-options'], name).toBe('nosniff');
    expect(headers['content-type'], name).toMatch(types[name.split('.').pop() as keyof typeof types]);
  }
});

test('assets are compressed if the client accepts that, with the same content', async ({ server }) => {
  const folder = join(built.site, 'pkg');
  const compressed = existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.br'));
  test.skip(!compressed, 'this build was made without compressed assets');
  for (const name of await assets(server)) {
    const plain = await get(server.url + name, { 'Accept-Encoding': 'identity' });
    expect(plain.headers['content-encoding'], name).toBeUndefined();
    const brotli = await get(server.url + name, { 'Accept-Encoding': 'gzip, br' });
    expect(brotli.headers['content-encoding'], name).toBe('br');
    expect(brotli.headers['vary'] ?? '', name).toMatch(/accept-encoding/i);
    expect(brotliDecompressSync(brotli.body).equals(plain.body), name).toBe(true);
    const gzip = await get(server.url + name, { 'Accept-Encoding': 'gzip' });
    if (gzip.headers['content-encoding'] === 'gzip') {
      expect(gunzipSync(gzip.body).equals(plain.body), name).toBe(true);
    }
  }
});

test('the service worker is never cached, and knows all assets', async ({ server }) => {
  const { status, headers, body } = await get(`${server.url}/sw.js`);
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^(text|application)\/javascript/);
  expect(headers['cache-control']).toContain('no-cache');
  for (const name of await assets(server)) expect(body.toString()).toContain(name);
});

test('the app can be installed', async ({ server, page }) => {
  const manifest = await get(`${server.url}/manifest.webmanifest`);
  expect(manifest.headers['content-type']).toMatch(/^application\/manifest\+json/);
  const { name, start_url, scope, display, icons } = JSON.parse(manifest.body.toString());
  expect({ name, start_url, scope, display }).toEqual({
    name: 'Settee', start_url: '/', scope: '/', display: 'standalone',
  });
  for (const icon of icons) {
    const { status, headers } = await get(server.url + icon.src);
    expect(status, icon.src).toBe(200);
    expect(headers['content-type'], icon.src).toBe(icon.type);
  }
  await openList(page);
  await expect(page.locator('link[rel="manifest"]')).toHaveAttribute('href', '/manifest.webmanifest');
  const touch = await page.locator('link[rel="apple-touch-icon"]').getAttribute('href');
  expect((await get(server.url + touch)).status).toBe(200);
  await waitInstalled(page);
  await reload(page);
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
});

test('connections are accepted from this site and from programs, not from other sites', async ({ server }) => {
  const sync = `${server.url}/sync`;
  expect((await get(sync, handshake(server.url))).status).toBe(101);
  expect((await get(sync, handshake())).status).toBe(101);
  for (const origin of ['https://evil.example', 'null', `${server.url}.evil.example`, server.url.replace('127.0.0.1', 'localhost')]) {
    expect((await get(sync, handshake(origin))).status, origin).toBe(403);
  }
  expect((await get(sync)).status, 'without an upgrade').toBeGreaterThanOrEqual(400);
});

test('no token is in any request, and neither token nor title is in the server\'s log', async ({
  newPerson, newProxy, server,
}) => {
  const proxy = await newProxy();
  const recorded = proxy.recordRequests();
  const anna = await newPerson({ baseURL: proxy.url });
  await openList(anna);
  await addTodo(anna, 'Unmistakable title');
  await waitSynced(anna);
  const editor = await copyLink(anna);
  const viewer = await copyLink(anna, 'copy-viewer-link');
  expect(new URL(editor).origin).toBe(proxy.url);
  for (const link of [editor, viewer]) {
    const guest = await newPerson({ baseURL: proxy.url });
    await openList(guest, link);
    await shows(guest, 'Unmistakable title');
    await waitInstalled(guest);
    await reload(guest);
    await shows(guest, 'Unmistakable title');
  }
  const wrong = await newPerson({ baseURL: proxy.url });
  const wrongToken = 'W'.repeat(43);
  await wrong.goto(`${new URL(editor).pathname}#k=${wrongToken}`);
  await expect(wrong.locator('[data-sync="denied"]')).toBeAttached();

  const requests = recorded();
  expect(requests, 'the proxy records requests').toContain('GET /sync');
  for (const secret of [tokenOf(editor), tokenOf(viewer), wrongToken]) {
    // WebSocket frames from a browser are masked, so this finds only tokens in HTTP requests.
    expect(requests.includes(secret), 'a token in a request').toBe(false);
    expect(server.log.includes(secret), 'a token in the log').toBe(false);
  }
  expect(server.log).not.toContain('Unmistakable title');
});
