// Opens the app without the server. The server fills in what belongs to the build.

const BUILD = '{build}';
// Files with a hash in their name, and files whose names stay.
const HASHED = ['{hashed}'];
const PUBLIC = ['{public}'];

const PREFIX = 'settee-';
const CACHE = PREFIX + BUILD;
const SHELL = '/';

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));

self.addEventListener('message', (event) => {
  if (event.data === 'skip-waiting') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (pathname === '/' || pathname.startsWith('/l/')) event.respondWith(kept(SHELL, request));
  } else if (pathname.startsWith('/pkg/')) {
    event.respondWith(keptByAnyBuild(request));
  } else if (PUBLIC.includes(pathname)) {
    event.respondWith(kept(pathname, request));
  }
});

async function install() {
  const cache = await caches.open(CACHE);
  // Page and files have to be of one build, also while the server is being replaced by a newer one.
  const shell = await fetch(SHELL, { cache: 'no-cache', credentials: 'omit' });
  const tag = shell.headers.get('etag');
  if (!shell.ok || (tag && !tag.includes(BUILD))) throw new Error('the page is of another build');
  await cache.put(SHELL, shell);
  await cache.addAll(HASHED);
  await cache.addAll(PUBLIC.map((name) => new Request(name, { cache: 'no-cache' })));
}

async function activate() {
  // Names come in the order in which the caches were made. The one before this build's stays: a
  // tab that was told to go on with the new build may still show the old one.
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  names.pop();
  await Promise.all(names.map((name) => caches.delete(name)));
  // So that the very first visit can be repeated without the server.
  await self.clients.claim();
}

async function kept(name, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(name, { ignoreVary: true })) ?? fetch(request);
}

async function keptByAnyBuild(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}
