// Frames between a page and the server, which a test reads or changes on their way.

import type { Page } from '@playwright/test';
import { decode, encode, type Frame } from './wire';

/**
 * Passes each frame that a page sends to `read`, which may return another frame to send instead. Call
 * it before the page is opened.
 */
export async function interceptFrames(
  page: Page,
  read: (frame: Frame, answer: (frame: Frame) => void) => Frame | undefined,
): Promise<void> {
  await page.routeWebSocket(/\/sync$/, (client) => {
    const server = client.connectToServer();
    const answer = (frame: Frame) => client.send(encode(frame));
    client.onMessage((message) => {
      const changed = read(decode(message), answer);
      server.send(changed ? encode(changed) : message);
    });
  });
}

/** What a client of a time long past says first. */
export const outdated = ([type, fields]: Frame): Frame => [
  type,
  new Map(fields).set(0, Buffer.from([254, 255])),
];
