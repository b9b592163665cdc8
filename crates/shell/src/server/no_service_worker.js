// While the app is being worked on there is no service worker: one that is left from before goes.

const PREFIX = '{prefix}';

self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('activate', (event) => {
  const leave = async () => {
    const names = (await caches.keys()).filter(isOurs);
    await Promise.all(names.map((name) => caches.delete(name)));
    await self.registration.unregister();
  };
  event.waitUntil(leave());
});

// A build has no hyphen in its name; another app's name that begins like ours has one there.
function isOurs(name) {
  return name.startsWith(PREFIX) && !name.includes('-', PREFIX.length);
}
