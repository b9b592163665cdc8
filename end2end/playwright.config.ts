import { defineConfig, devices } from '@playwright/test';
import { launchOptions } from './browser';

// Specs for touch on a small screen as well as for a mouse on a large one.
const onBoth = /(todomvc|a11y)\.spec\.ts/;
const phoneOnly = /phone\.spec\.ts/;
// These have configurations of their own.
const others = ['screenshots.spec.ts', '**/end2end/engines/*'];

export default defineConfig({
  testDir: '.',
  testIgnore: others,
  outputDir: 'test-results',
  // A flaky test is a broken test, so there are no retries.
  retries: 0,
  workers: 2,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  timeout: 120_000,
  // Limits of waits, long enough for a debug build on a busy machine.
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }]],
  use: {
    launchOptions,
    actionTimeout: 20_000,
    serviceWorkers: 'allow',
    // Recording each test takes a fifth of the time of all.
    trace: process.env.SETTEE_TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
  },
  projects: [
    {
      name: 'desktop',
      testIgnore: [...others, phoneOnly],
      use: { ...devices['Desktop Chrome'] },
    },
    {
      name: 'phone',
      testMatch: [onBoth, phoneOnly],
      grepInvert: /@keyboard/,
      use: { ...devices['Pixel 7'] },
    },
  ],
});
