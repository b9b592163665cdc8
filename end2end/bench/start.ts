// What a page tells of its own start. This function runs in the page, before all else.

/** Milliseconds since the navigation began, unless something else is said. */
export type Start = {
  /** The page, and its script, have come. */
  html: number;
  script: number;
  /** The program is compiled. */
  compiled: number;
  /** The page is alive, and asks for what the device keeps. */
  hydrated: number;
  /** The list's storage is open. */
  opened: number;
  /** The first frame of all was painted, and the first with rows. */
  painted: number;
  drawn: number;
  /** A click, or a key, has had its effect. */
  answered: number;
  /** All rows are there. */
  complete: number;
  /** The largest layout shift, as a score. */
  shift: number;
  /** Frames in which the page seemed ready and had no rows, although the list has some. */
  empty_frames: number;
};

declare global {
  interface Window {
    start: Promise<Start>;
  }
}

export function watchStart(size: number): void {
  if (window.top !== window) return;
  const at: Record<string, number> = { shift: 0, empty_frames: 0 };
  const mark = (name: string) => (at[name] ??= performance.now());
  const has = (selector: string) => document.querySelector(selector) !== null;
  const items = () => document.querySelector('.todo-list')?.childElementCount ?? 0;
  /** Calls back once a frame was painted. */
  const painted = (then: () => void) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = then;
      port2.postMessage(undefined);
    });

  const compile = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...options) => {
    const program = await compile.apply(WebAssembly, options);
    mark('compiled');
    return program;
  };
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = function (...options) {
    mark('hydrated');
    const request = open.apply(this, options);
    // The last one before there are rows is the list's.
    request.addEventListener('success', () => {
      if (items() === 0) at.opened = performance.now();
    });
    return request;
  };
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries() as unknown as { value: number }[]) at.shift = Math.max(at.shift, value);
  }).observe({ type: 'layout-shift', buffered: true });

  window.start = new Promise((done) => {
    const tell = () => {
      const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      const script = (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).find(({ name }) => /settee\.[^/]*\.js$/.test(name));
      const [paint] = performance.getEntriesByName('first-paint');
      done({
        html: page.responseEnd,
        script: script?.responseEnd ?? 0,
        compiled: at.compiled,
        hydrated: at.hydrated,
        opened: at.opened,
        painted: paint?.startTime ?? 0,
        drawn: at.drawn,
        answered: at.answered,
        complete: at.complete,
        shift: at.shift,
        empty_frames: at.empty_frames,
      });
    };
    const end = () => {
      if (at.answered && items() >= size) {
        mark('complete');
        changes.disconnect();
        // Shifts are told a little later.
        setTimeout(tell, 200);
      }
    };

    const answer = (is: () => boolean) => {
      const look = () => {
        if (at.answered || !is()) return;
        mark('answered');
        end();
      };
      new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
      return look;
    };

    const toggle = () => {
      mark('drawn');
      const row = document.querySelector('.todo-list li')!;
      const before = row.className;
      answer(() => row.className !== before);
      row.querySelector<HTMLInputElement>('.toggle')!.click();
    };

    // An empty list answers to a key: the field is emptied as soon as the app has taken what it had. A
    // text of nothing but space is no todo, and is left there; so a todo is added, and is removed again.
    const type = () => {
      const field = document.querySelector<HTMLInputElement>('.new-todo');
      if (!field || !has('body[data-ready]')) return;
      mark('drawn');
      field.value = 'A todo';
      field.dispatchEvent(new Event('input', { bubbles: true }));
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true }));
      answer(() => items() === 1);
    };

    let isTried = false;
    const changes = new MutationObserver(() => {
      if (size === 0 ? has('body[data-ready]') : items() > 0) {
        if (!isTried) painted(size === 0 ? type : toggle);
        isTried = true;
      }
      end();
    });
    changes.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-ready'] });

    const frames = () => {
      if (size > 0 && items() === 0 && has('body[data-ready]')) at.empty_frames++;
      if (!at.drawn) requestAnimationFrame(frames);
    };
    requestAnimationFrame(frames);
  });
}
