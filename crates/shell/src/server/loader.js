// Brings the next build in, and says when this one doesn't start. It is part of the page and not of
// the app, so that it works where the app doesn't.

globalThis.setteeShell = (() => {
  const BUILD = '{build}';
  const HOUR = 3_600_000;
  // For a start, and for a network that somebody waits for.
  const PATIENCE = 20_000;
  const workers = navigator.serviceWorker;

  // What the app says: that it runs, that it doesn't any more, and whether a reload would lose something.
  let [isRunning, isBroken, losesByReload] = [false, false, () => false];
  // Another build's worker is in charge, and this page is still the old one.
  let isReplaced = false;
  // Somebody has asked for the newest build.
  let isWanted = false;
  // Somebody has touched the page; the page is being left.
  let [isUsed, isLeft] = [false, false];
  // The very first worker has the build that the page shows.
  let isFirst = !workers?.controller;
  let begin;
  const begun = new Promise((done) => (begin = done));
  const parsed = new Promise((done) => addEventListener('DOMContentLoaded', done));
  const registered = register().catch(() => undefined);

  // `reg` is the registration of the service worker.
  async function register() {
    if (!workers) return undefined;
    // On the first visit the app itself comes first.
    if (isFirst) await begun;
    const reg = await workers.register('/sw.js');
    if (reg.active?.state === 'activated') isFirst = false;
    const offer = () => reg.waiting && reg.active && show('ready');
    const follow = () => reg.installing?.addEventListener('statechange', offer);
    reg.addEventListener('updatefound', follow);
    follow();
    offer();
    return reg;
  }

  registered.then(async (reg) => {
    // A hidden page that has just been replaced would look again and again where two servers differ.
    if (reg?.active && !document.hidden) look();
    checkController();
    if (!reg?.waiting) return;
    // Chromium lets the waiting worker in when the active one has nothing to do. While the page loads
    // it has, and then Chromium waits until nobody has asked it for anything for half a minute.
    await begun;
    // Whoever loads the page wants the build that was there, and nobody has used this one yet.
    takeQuietly();
  });

  workers?.addEventListener('controllerchange', () => {
    isReplaced = !isFirst;
    isFirst = false;
    if (isReplaced && (isWanted || !isUnsaved())) location.reload();
    else if (isReplaced) show('ready');
  });
  for (const use of ['pointerdown', 'keydown', 'wheel']) addEventListener(use, () => (isUsed = true));
  addEventListener('pagehide', () => (isLeft = true));
  addEventListener('pageshow', () => (isLeft = false));
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) look();
    // The page that comes is of the old build already, and would be under the worker of the new one.
    else if (!isLeft) takeQuietly();
  });
  addEventListener('online', () => look());
  setInterval(() => {
    if (document.hidden) takeQuietly();
    look();
  }, HOUR);

  // A panic of the app ends in a trap, in an event's listener or in a promise.
  const hear = ({ type, error, reason }) =>
    (error ?? reason) instanceof WebAssembly.RuntimeError ? broken() : type === 'error' || fail();
  addEventListener('error', hear);
  addEventListener('unhandledrejection', hear);
  const late = setTimeout(fail, PATIENCE);
  addEventListener('click', (event) => {
    if (event.target.closest?.('[data-shell-renew]')) {
      event.preventDefault();
      renew();
    }
  });

  async function show(name, isShown = true) {
    await parsed;
    for (const element of document.querySelectorAll(`[data-shell="${name}"]`)) element.hidden = !isShown;
  }

  function isUnsaved() {
    try {
      return losesByReload();
    } catch {
      return true;
    }
  }

  // A page that has been left is listed for a moment still, and one that has just come isn't yet. This
  // one may be saving something. So this asks again.
  async function takeQuietly() {
    const reg = await registered;
    const isFree = () => !isUnsaved() && (document.hidden || !isUsed);
    if (isReplaced && isFree()) location.reload();
    for (let pause = 50; pause < PATIENCE && reg?.waiting; pause *= 2) {
      if (isFree()) reg.waiting.postMessage('skip-waiting-if-alone');
      await new Promise((done) => setTimeout(done, pause));
    }
  }

  // The browser compares the service worker's script, and installs one that differs.
  async function look(build) {
    if (build !== BUILD) await (await registered)?.update().catch(() => {});
  }

  // Fetches a newer build, or what is missing of this one.
  async function mend() {
    begin();
    const reg = await registered;
    await look();
    await installed(reg?.installing);
    if (!reg?.active) await reloaded();
    else if (!reg.waiting) await ask(reg.active, 'repair');
  }

  async function renew() {
    isWanted = true;
    begin();
    const reg = await registered;
    const stuck = setTimeout(() => location.reload(), PATIENCE);
    if (!isReplaced && !reg?.waiting) await mend();
    clearTimeout(stuck);
    if (isReplaced || !reg?.waiting) return location.reload();
    reg.waiting.postMessage('skip-waiting');
    setTimeout(() => location.reload(), 2 * PATIENCE);
  }

  function fail() {
    if (isRunning || isBroken) return;
    show('unloaded');
    mend();
  }

  function broken() {
    if (isBroken) return;
    isBroken = true;
    show('unloaded', false);
    show('broken');
    mend();
  }

  function installed(worker) {
    return new Promise((done) => {
      const tell = () => worker?.state === 'installing' || done();
      worker?.addEventListener('statechange', tell);
      tell();
    });
  }

  // The browser's own cache may have a wrong answer.
  function reloaded() {
    const links = [...document.querySelectorAll('link[href]')];
    return Promise.allSettled(links.map(({ href }) => fetch(href, { cache: 'reload' })));
  }

  // Another tab may have let another build in while this page was on its way.
  async function checkController() {
    if (!workers?.controller || (await ask(workers.controller, 'build')) === BUILD) return;
    isReplaced = true;
    show('ready');
  }

  // The worker answers with the name of its build.
  function ask(worker, question) {
    return new Promise((done) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => done(data);
      worker.postMessage(question, [port2]);
    });
  }

  return {
    started(isUnsaved) {
      [isRunning, losesByReload] = [true, isUnsaved];
      clearTimeout(late);
      show('unloaded', false);
      begin();
    },
    broken,
    look,
    ask,
  };
})();
