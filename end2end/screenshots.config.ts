// Renders the images in docs/screenshots: npx playwright test --config screenshots.config.ts

import { defineConfig, devices } from '@playwright/test';
import { launchOptions } from './browser';

export default defineConfig({
  testDir: '.',
  testMatch: 'screenshots.spec.ts',
  outputDir: 'test-results',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: { ...devices['Desktop Chrome'], launchOptions, viewport: { width: 1120, height: 880 } },
});
