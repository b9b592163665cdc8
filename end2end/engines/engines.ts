// The browsers besides Chromium: which driver starts them, and with what.

import { join } from 'node:path';

export type Engine = {
  /** A program that speaks WebDriver on the port of its option `--port`. */
  driver: string;
  /** What the driver has to start, with this folder for the browser's data. */
  capabilities: (folder: string) => object;
  /** Matches a line of the driver's output that reports an error on a page of this address. */
  error: (address: string) => RegExp;
};

export const engines: Record<string, Engine> = {
  firefox: {
    driver: 'geckodriver',
    capabilities: (folder) => ({
      'moz:firefoxOptions': { args: ['-headless', '-profile', folder] },
    }),
    error: (address) => new RegExp(`^JavaScript error: ${address}`),
  },
  webkit: {
    driver: 'WebKitWebDriver',
    capabilities: (folder) => ({
      'webkitgtk:browserOptions': {
        binary: 'gjs',
        args: ['-m', join(import.meta.dirname, 'webkit_browser.js'), folder],
      },
    }),
    error: (address) => new RegExp(`^${address}.* CONSOLE (JS|SECURITY) ERROR `),
  },
};
