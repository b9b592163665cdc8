import { defineConfig, devices } from '@playwright/test';
import { launchOptions } from './fixtures';

// Specs that make sense with a finger on a small screen as well as with a mouse on a large one.
const onBoth = /(todomvc|a11y)\.spec\.ts/;
const phoneOnly = /phone\.spec\.ts/;

export default defineConfig({
  testDir: '.',
  testIgnore: 'screenshots.spec.ts',
  outputDir: 'test-results',
  // A flaky test is a broken test: there is no second try.
  retries: 0,
  workers: 2,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  timeout: 120_000,
  // Bounds for what is awaited, not measurements: a debug build on a busy machine fits well inside.
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }]],
  use: {
    launchOptions,
    actionTimeout: 20_000,
    serviceWorkers: 'allow',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
  projects: [
    {
      name: 'desktop',
      testIgnore: ['screenshots.spec.ts', phoneOnly],
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
