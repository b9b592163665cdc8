// A person with a browser of their own, which can be closed and opened again.

import { expect, type TestInfo } from '@playwright/test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { areGone, killAll, treeOf } from '../processes';
import type { Engine } from './engines';
import { Page, Session } from './webdriver';

export class Person {
  private session?: Session;
  private earlierLog = '';
  private readonly folder = mkdtempSync(join(tmpdir(), 'settee-engine-'));

  constructor(private readonly engine: Engine) {
    engine.prepare(this.folder);
  }

  get log(): string {
    return this.earlierLog + (this.session?.log ?? '');
  }

  /** What its pages have reported as errors. */
  get errors(): string[] {
    let mayBeLast = this.session?.closedTabs ?? 0;
    return this.log.split('\n').filter((line) => {
      if (!this.engine.error.test(line)) return false;
      return !(this.engine.lastError?.test(line) && mayBeLast-- > 0);
    });
  }

  /** Starts the browser. Returns its first page. */
  async open(): Promise<Page> {
    this.session = await Session.start(this.engine, this.folder);
    const [first] = await this.session.windows();
    return new Page(this.session, first);
  }

  async newTab(): Promise<Page> {
    if (!this.session) throw new Error('the browser is closed');
    return new Page(this.session, await this.session.newWindow());
  }

  /** Quits the browser, which keeps its data. */
  async close(): Promise<void> {
    const session = this.session;
    await session?.quit();
    this.earlierLog = this.log;
    this.session = undefined;
  }

  /** Adds to the report of a failed test what is on the pages, and what the browser has written. */
  async describe(info: TestInfo, name: string): Promise<void> {
    const keep = async (what: string, content: string | Buffer) => {
      const path = info.outputPath(`${name}, ${what}`);
      writeFileSync(path, content);
      await info.attach(`${name}: ${what}`, { path });
    };
    const say = (what: string, body: string) => info.attach(`${name}: ${what}`, { body, contentType: 'text/plain' });
    await keep('log.txt', this.log);
    try {
      for (const [at, window] of ((await this.session?.windows()) ?? []).entries()) {
        const page = new Page(this.session!, window);
        await say(`page ${at}`, await page.evaluate(() => `${location}\n${document.body.innerText}`));
        await keep(`page ${at}.html`, await page.evaluate(() => document.body.outerHTML));
        await keep(`page ${at}.png`, Buffer.from(await page.screenshot(), 'base64'));
      }
    } catch (error) {
      await say('no page', String(error));
    }
  }

  async dispose(): Promise<void> {
    const processes = treeOf(this.folder);
    killAll(processes);
    await this.session?.end();
    await expect.poll(() => areGone(processes), { intervals: [10], message: 'all processes have ended' }).toBe(true);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
