// Opens the app without the server. The server fills in what belongs to the build.

const BUILD = '{build}';
const PREFIX = '{prefix}';
const CACHE = PREFIX + BUILD;

// The addresses that the page answers. It is fetched from one of them.
const ROUTES = ['{routes}'].map((route) => new RegExp(route));

// WebKit takes a subscription back after three messages of which nothing was shown, whatever a person has before them.
const WEBKIT = /AppleWebKit/.test(navigator.userAgent) && !/Chrom/.test(navigator.userAgent);

// What the build consists of: address, type and hash of the page, and of each file.
const PAGE = ['{page}'];
const FILES = ['{files}'];
// Where files have a hash in their name, so that those of several builds can be told apart.
const PACKAGE = '{package}';

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));

self.addEventListener('message', (event) => {
  const { data, ports, source } = event;
  if (data === 'skip-waiting') self.skipWaiting();
  if (data === 'skip-waiting-if-alone') event.waitUntil(skipWaitingIfAlone(source));
  if (data === 'build') ports[0].postMessage(BUILD);
  if (data.said) event.waitUntil(reach(data).then((outcome) => ports[0].postMessage(outcome)));
  if (data === 'end-notices') event.waitUntil(endNotices().finally(() => ports[0].postMessage('done')));
  if (data === 'repair') event.waitUntil(keepAll().then(() => ports[0].postMessage(BUILD)));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (ROUTES.some((route) => route.test(pathname))) event.respondWith(kept(PAGE[0], request, CACHE));
  } else if (FILES.some(([name]) => name === pathname)) {
    event.respondWith(kept(pathname, request, CACHE));
  } else if (pathname.startsWith(PACKAGE)) {
    // A tab that shows another build goes on with that one's files.
    event.respondWith(kept(pathname, request));
  }
});

self.addEventListener('push', (event) => event.waitUntil(tell(event.data?.json())));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});

async function install() {
  const isNew = !(await caches.has(CACHE));
  const failed = (await keepAll()).find(({ status }) => status === 'rejected');
  if (!failed) return;
  // A server that goes back to an earlier build installs it once more, while it is in use.
  if (isNew) await caches.delete(CACHE);
  throw failed.reason;
}

async function activate() {
  // Names come in the order in which the caches were made. The one before this build's stays,
  // because a tab with something unsaved still shows the old build.
  const names = (await caches.keys()).filter((name) => isOurs(name) && name !== CACHE);
  names.pop();
  await Promise.all(names.map((name) => caches.delete(name)));
  // So that the very first visit can be repeated without the server.
  await self.clients.claim();
}

// The sender says for itself that it can be reloaded. Others can't be if a person sees them. A page
// that has only begun to load is no sender yet.
async function skipWaitingIfAlone(sender) {
  const others = (await pages()).filter(({ id }) => id !== sender?.id);
  if (others.every(({ visibilityState }) => visibilityState === 'hidden')) await self.skipWaiting();
}

// Tells the server where this device can be reached, or that it isn't to be any more.
async function reach({ method, said }) {
  const headers = { 'content-type': 'application/json' };
  try {
    const known = await fetch('/notices');
    if (known.status === 404) return 'none';
    const { key } = await known.json();
    const reached = method === 'DELETE' ? await self.registration.pushManager.getSubscription() : await subscription(key);
    if (!reached) return 'done';
    const address = JSON.stringify(reached);
    const body = JSON.stringify({ ...said, address });
    const { ok } = await fetch('/notices', { method, headers, body });
    return ok ? 'done' : 'refused';
  } catch {
    return 'failed';
  }
}

// Servers learn from the push service that this device can't be reached any more.
async function endNotices() {
  for (const shown of await self.registration.getNotifications()) shown.close();
  await (await self.registration.pushManager.getSubscription())?.unsubscribe();
}

async function subscription(applicationServerKey) {
  const { pushManager } = self.registration;
  const subscribe = () => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  try {
    return await subscribe();
  } catch (error) {
    // The server has another key than the one before.
    if (error.name !== 'InvalidStateError') throw error;
    await (await pushManager.getSubscription())?.unsubscribe();
    return subscribe();
  }
}

// Whoever has the page before them sees it there.
async function tell({ title, body, path, tag }) {
  const isAt = ({ url, visibilityState }) => new URL(url).pathname === path && visibilityState === 'visible';
  const isSeen = (await pages()).some(isAt);
  if (isSeen && !WEBKIT) return;
  await self.registration.showNotification(title, { body, tag, data: path, silent: isSeen });
  if (isSeen) for (const shown of await self.registration.getNotifications({ tag })) shown.close();
}

async function open(path) {
  const page = (await pages()).find(({ url }) => new URL(url).pathname === path);
  await (page ? page.focus() : self.clients.openWindow(path));
}

const pages = () => self.clients.matchAll({ type: 'window', includeUncontrolled: true });

async function kept(name, request, cacheName) {
  const found = caches.match(name, { cacheName, ignoreVary: true });
  // Damaged storage is as good as none.
  return (await found.catch(() => undefined)) ?? fetch(request);
}

// A build has no hyphen in its name; another app's name that begins like ours has one there.
function isOurs(name) {
  return name.startsWith(PREFIX) && !name.includes('-', PREFIX.length);
}

// Replaces what it gets, and leaves the rest as it is.
const keepAll = () => Promise.allSettled([PAGE, ...FILES].map(keep));

async function keep(file) {
  const cache = await caches.open(CACHE);
  // The browser's own cache may have a wrong answer, so a second attempt passes it by.
  await cache.put(file[0], await load(file, 'default').catch(() => load(file, 'reload')));
}

// A portal's page, a proxy's login or half a file must not become part of the app. This is the last
// function, so that half of this script can't install anything.
async function load([name, type, integrity], cache) {
  const response = await fetch(name, { cache, integrity, redirect: 'error' });
  const [answered] = (response.headers.get('content-type') ?? '').split(';');
  if (!response.ok || answered !== type) throw new Error(`${name} isn't that of build ${BUILD}`);
  return response;
}
