// The main flows in the engines besides Chromium: npx playwright test --config engines.config.ts

import { defineConfig } from '@playwright/test';
import everywhere from './playwright.config';

const { outputDir, retries, workers, forbidOnly, timeout, expect, reporter } = everywhere;

export default defineConfig({
  testDir: 'engines',
  outputDir, retries, workers, forbidOnly, timeout, expect, reporter,
  // Windows on one display share a clipboard. Firefox without a display has one of its own.
  projects: [{ name: 'firefox' }, { name: 'webkit', workers: 1 }],
});
