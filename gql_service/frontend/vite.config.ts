import { resolve } from "node:path";
import optimizeLocales from "@react-aria/optimize-locales-plugin";
import { defineConfig } from "vite";
import { documentation } from "./docs";

const page = (name: string) => resolve(import.meta.dirname, name);

export default defineConfig({
  base: "/pages/",
  // React Aria has its own texts in thirty languages; the console speaks two.
  plugins: [{ ...optimizeLocales.vite({ locales: ["en-US", "de-DE"] }), enforce: "pre" }, documentation()],
  build: {
    outDir: "dist",
    modulePreload: { polyfill: false },
    // Monaco, the editor inside GraphiQL, is one large chunk; that is expected.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: { console: page("console.html"), explorer: page("explorer.html") },
      // Packages marked "use client" mean nothing here; don't warn about each.
      checks: { moduleLevelDirective: false },
    },
  },
  // Monaco's workers are ES modules that share chunks.
  worker: { format: "es" },
});
