// A person with a browser of their own, which can be closed and opened again.

import type { TestInfo } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAll, treeOf } from '../processes';
import type { Engine } from './engines';
import { Page, Session } from './webdriver';

export class Person {
  private session?: Session;
  private earlierLog = '';
  private readonly folder = mkdtempSync(join(tmpdir(), 'settee-engine-'));

  constructor(private readonly engine: Engine) {}

  get log(): string {
    return this.earlierLog + (this.session?.log ?? '');
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
    for (const window of (await this.session?.windows()) ?? []) {
      const page = new Page(this.session!, window);
      const text = await page.evaluate(() => `${location.pathname}\n${document.body.outerHTML}`);
      await info.attach(`${name}: the page`, { body: text, contentType: 'text/plain' });
      const picture = Buffer.from(await page.screenshot(), 'base64');
      await info.attach(`${name}: screenshot`, { body: picture, contentType: 'image/png' });
    }
    await info.attach(`${name}: the browser's log`, { body: this.log, contentType: 'text/plain' });
  }

  async dispose(): Promise<void> {
    try {
      await this.close();
    } finally {
      killAll(treeOf(this.folder));
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}
