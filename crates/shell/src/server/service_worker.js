// Opens the app without the server. The server fills in what belongs to the build.

const BUILD = '{build}';
const PREFIX = '{prefix}';
const CACHE = PREFIX + BUILD;

// The page is fetched from one address, and answers navigation to all of these.
const SHELL = '{shell}';
const ROUTES = ['{routes}'].map((route) => new RegExp(route));

// Files with a hash in their name, which are in the package, and files whose names stay.
const PACKAGE = '{package}';
const HASHED = ['{hashed}'];
const PUBLIC = ['{public}'];

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
    if (ROUTES.some((route) => route.test(pathname))) event.respondWith(kept(SHELL, request));
  } else if (PUBLIC.includes(pathname)) {
    event.respondWith(kept(pathname, request));
  } else if (pathname.startsWith(PACKAGE)) {
    event.respondWith(keptByAnyBuild(request));
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
  const names = (await caches.keys()).filter((name) => isOurs(name) && name !== CACHE);
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

// A build has no hyphen in its name; another app's name that begins like ours has one there.
function isOurs(name) {
  return name.startsWith(PREFIX) && !name.includes('-', PREFIX.length);
}
