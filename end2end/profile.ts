// A browser profile on disk, which can be closed, killed and opened again.

import { expect, type BrowserContext, type Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { areGone, killAll, treeOf } from './processes';

export class Profile {
  private context?: BrowserContext;
  private readonly directory = mkdtempSync(join(tmpdir(), 'settee-profile-'));

  constructor(private readonly launch: (directory: string) => Promise<BrowserContext>) {}

  async open(): Promise<Page> {
    this.context = await this.launch(this.directory);
    return this.context.pages()[0] ?? this.context.newPage();
  }

  async close(): Promise<void> {
    await this.context?.close();
    this.context = undefined;
  }

  /** kill -9 of the browser with all its processes, so that nothing more is written to disk. */
  async kill(): Promise<void> {
    const context = this.context;
    if (!context) return;
    this.context = undefined;
    const closed = context.waitForEvent('close');
    const processes = treeOf(`--user-data-dir=${this.directory}`);
    killAll(processes);
    await closed;
    await expect.poll(() => areGone(processes), { intervals: [10], message: 'all processes have ended' }).toBe(true);
  }

  async dispose(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
