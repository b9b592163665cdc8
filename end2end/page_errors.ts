// Errors that pages report. A test fails if one of its pages reports an error.

import { expect, type BrowserContext, type Page } from '@playwright/test';
import type { Server } from './server';

export class PageErrors {
  private readonly all: string[] = [];
  private readonly mayLoseConnection = new WeakSet<BrowserContext>();
  private readonly mayCrash = new WeakSet<Page>();

  constructor(private readonly server: Server) {}

  listenTo(context: BrowserContext): void {
    context.on('console', (message) => {
      // Content-Security-Policy violations are console errors too.
      if (message.type() === 'error') this.add(context, message.text());
    });
    context.on('weberror', (error) => this.add(context, `uncaught: ${error.error()}`));
    context.on('page', (page) => page.on('crash', () => {
      if (!this.mayCrash.has(page)) this.add(context, 'the page crashed');
    }));
  }

  expectCrash(page: Page): void {
    this.mayCrash.add(page);
  }

  expectLostConnection(context: BrowserContext): void {
    this.mayLoseConnection.add(context);
  }

  check(): void {
    expect(this.all, 'no page reports an error').toEqual([]);
  }

  private add(context: BrowserContext, text: string): void {
    const isNetworkError = /net::ERR_|WebSocket connection to/.test(text);
    const wasDisconnected = this.server.wasUnreachable || this.mayLoseConnection.has(context);
    if (!(isNetworkError && wasDisconnected)) this.all.push(text);
  }
}
