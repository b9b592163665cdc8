// The browsers besides Chromium: which driver starts them, and with what.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Settings of Firefox, so that it starts soon and asks no servers of its makers. */
const FIREFOX = {
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.newtab.preload': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.ipc.processPrelaunch.enabled': false,
  'nimbus.rollouts.enabled': false,
  'services.settings.server': 'data:,',
};

export type Engine = {
  /** A program that speaks WebDriver on the port of its option `--port`. */
  driver: string;
  /** Puts settings into a new folder for the browser's data. */
  prepare: (folder: string) => void;
  /** What the driver has to start, with this folder for the browser's data. */
  capabilities: (folder: string) => object;
  /** Matches a line of the browser's output that reports an error on a page. */
  error: RegExp;
  /** Matches such a line that a tab may cause once as it is closed. */
  lastError?: RegExp;
};

export const engines: Record<string, Engine> = {
  firefox: {
    driver: 'geckodriver',
    prepare: (folder) => {
      const lines = Object.entries(FIREFOX).map(([name, value]) => `user_pref('${name}', ${JSON.stringify(value)});\n`);
      writeFileSync(join(folder, 'user.js'), lines.join(''));
    },
    capabilities: (folder) => ({
      'moz:firefoxOptions': { args: ['-headless', '-profile', folder] },
    }),
    error: /^JavaScript error: http/,
    // Firefox stops a closing tab's script anywhere, also within a call of WebAssembly. Its next task
    // is begun all the same, and finds that the call hasn't returned.
    lastError: /closure invoked recursively or after being dropped/,
  },
  webkit: {
    driver: 'WebKitWebDriver',
    prepare: () => {},
    capabilities: (folder) => ({
      'webkitgtk:browserOptions': {
        binary: 'gjs',
        args: ['-m', join(import.meta.dirname, 'webkit_browser.js'), folder],
      },
    }),
    // It knows no manifests, and so not the directive for them either.
    error: /\bCONSOLE (JS |SECURITY )?ERROR (?!Unrecognized Content-Security-Policy directive 'manifest-src')/,
  },
};
