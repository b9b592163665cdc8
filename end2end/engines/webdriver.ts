// A client of WebDriver, https://www.w3.org/TR/webdriver2: a driver's process with its one session.

import { expect } from '@playwright/test';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Engine } from './engines';

/** Maximum time for one command, in milliseconds. A busy machine takes seconds to start a browser. */
const COMMAND_TIMEOUT = 60_000;
/** Maximum time until an element can be clicked, in milliseconds. */
const ACTION_TIMEOUT = 20_000;

/** Keys, as WebDriver writes them. Control holds until the end of the text that it is in. */
export const ENTER = '\uE007';
export const CONTROL = '\uE009';

/** The name of a reference to an element, in JSON. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
export type Element = { [ELEMENT]: string };
/** Finds an element: a selector, or a function. */
export type Finder = string | (() => Promise<Element>);

export class Session {
  /** What driver and browser have written. */
  log = '';
  /** How many tabs a test has closed. */
  closedTabs = 0;
  private base = '';
  private window = '';
  private readonly driver: ChildProcess;

  private constructor(command: string, port: number) {
    this.base = `http://127.0.0.1:${port}`;
    this.driver = spawn(command, [`--port=${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer) => (this.log += chunk.toString());
    this.driver.stdout!.on('data', keep);
    this.driver.stderr!.on('data', keep);
    this.driver.once('error', (error) => (this.log += `${error}\n`));
  }

  static async start(engine: Engine, folder: string): Promise<Session> {
    const session = new Session(engine.driver, await freePort());
    try {
      const listens = () => session.send('GET', '/status').then(() => 'listens', () => session.log);
      await expect
        .poll(listens, { message: `${engine.driver} listens`, timeout: 10_000, intervals: [20] })
        .toBe('listens');
      const capabilities = { alwaysMatch: engine.capabilities(folder) };
      const { sessionId } = await session.send('POST', '/session', { capabilities });
      session.base += `/session/${sessionId}`;
      await session.send('POST', '/timeouts', { script: COMMAND_TIMEOUT, pageLoad: COMMAND_TIMEOUT });
      return session;
    } catch (error) {
      await session.end();
      throw new Error(`no session of ${engine.driver}: ${error}\n${session.log}`);
    }
  }

  /** Quits the browser in an orderly way. */
  async quit(): Promise<void> {
    await this.send('DELETE', '');
    await this.end();
  }

  /** Ends the driver. Its browser may have ended before. */
  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.driver;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = once(this.driver, 'exit');
    this.driver.kill('SIGKILL');
    await ended;
  }

  windows = (): Promise<string[]> => this.send('GET', '/window/handles');

  async newWindow(): Promise<string> {
    return (await this.send('POST', '/window/new', { type: 'tab' })).handle;
  }

  /** Sends a command to one window. */
  async in(window: string, method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) {
    if (this.window !== window) await this.send('POST', '/window', { handle: window });
    this.window = path === '/window' ? '' : window;
    return this.send(method, path, body);
  }

  private async send(method: string, path: string, body?: object): Promise<any> {
    const answer = await fetch(this.base + path, {
      method,
      headers: { 'content-type': 'application/json' },
      // The standard wants a body in each POST.
      body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
      signal: AbortSignal.timeout(COMMAND_TIMEOUT),
    });
    const { value } = await answer.json() as { value: any };
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }
}

/** Tries something until it can be done. */
const soon = (act: () => Promise<unknown>): Promise<void> =>
  expect(async () => void (await act())).toPass({ timeout: ACTION_TIMEOUT, intervals: [20, 50, 100] });

/** A page in a window or tab. */
export class Page {
  constructor(private readonly session: Session, private readonly window: string) {}

  goto = (url: string): Promise<void> => this.post('/url', { url });
  /** Closes the tab. */
  close = (): Promise<void> => {
    this.session.closedTabs++;
    return this.session.in(this.window, 'DELETE', '/window');
  };
  screenshot = (): Promise<string> => this.session.in(this.window, 'GET', '/screenshot');

  /** Runs a function in the page, and waits for what it promises. */
  async evaluate<A extends unknown[], R>(run: (...args: A) => R, ...args: A): Promise<Awaited<R>> {
    const script = `const args = [...arguments], done = args.pop();
      (async () => (${run})(...args))().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.post('/execute/async', { script, args });
    if (error) throw new Error(`in the page: ${error}`);
    return value;
  }

  /** Clicks an element as soon as it is there and can be clicked. */
  async click(element: Finder): Promise<void> {
    await soon(async () => this.post(`/element/${await this.find(element)}/click`));
  }

  /** Types into an element, at the end of its text. */
  async type(element: Finder, text: string): Promise<void> {
    await this.post(`/element/${await this.find(element)}/value`, { text });
  }

  /** Clicks an element twice as soon as it is there and can be clicked. */
  async doubleClick(element: Finder): Promise<void> {
    const [down, up] = ['pointerDown', 'pointerUp'].map((type) => ({ type, button: 0 }));
    await soon(async () => {
      const origin = { [ELEMENT]: await this.find(element) };
      const move = { type: 'pointerMove', origin, x: 0, y: 0 };
      await this.post('/actions', {
        actions: [{ type: 'pointer', id: 'mouse', actions: [move, down, up, down, up] }],
      });
    });
  }

  private async find(element: Finder): Promise<string> {
    const byCss = (value: string) => this.post('/element', { using: 'css selector', value });
    const found: Element = await (typeof element === 'string' ? byCss(element) : element());
    return found[ELEMENT];
  }

  private post = (path: string, body?: object): Promise<any> =>
    this.session.in(this.window, 'POST', path, body);
}

/** A port that was free just now. WebKit's driver doesn't tell which one it takes by itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
