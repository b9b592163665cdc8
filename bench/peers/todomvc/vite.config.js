// One page for each framework, as for production.

import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const NAMES = ["preact", "react", "svelte", "vanilla", "vue"];

export default defineConfig({
  logLevel: "warn",
  plugins: [svelte(), vue()],
  build: {
    rollupOptions: { input: Object.fromEntries(NAMES.map((name) => [name, `${name}/index.html`])) },
  },
});
