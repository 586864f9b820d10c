import { defineConfig } from "vite";

/** The console's files, for `/console/` of the gateway. JSX needs no plugin: the bundler itself turns it into JavaScript. */
export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  // Nothing as a data: address: the content security policy allows that for images only.
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 900, modulePreload: { polyfill: false } },
  // While working on the console: `npx vite gateway/console` beside a running gateway.
  server: { proxy: { "^/(v1|status|readyz|console/(session|stream|sandbox))": { target: "http://127.0.0.1:8080" } } },
});
