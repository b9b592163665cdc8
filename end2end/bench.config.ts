// Measures the app in Chromium: `cargo xtask bench ui`.

import { defineConfig, devices } from '@playwright/test';
import { launchOptions } from './browser';

export default defineConfig({
  testDir: './bench',
  testMatch: '*.bench.ts',
  outputDir: 'test-results',
  grep: new RegExp(process.env.SETTEE_CASES ?? ''),
  workers: 1,
  timeout: 900_000,
  expect: { timeout: 60_000 },
  reporter: 'line',
  use: { ...devices['Desktop Chrome'], launchOptions },
});
