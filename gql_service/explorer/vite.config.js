import { defineConfig } from "vite";

export default defineConfig({
  base: "/explorer/",
  build: {
    outDir: "dist",
    modulePreload: { polyfill: false },
    // Monaco, the editor inside GraphiQL, is one large chunk; that is expected.
    chunkSizeWarningLimit: 4000,
    // Packages marked "use client" mean nothing here; don't warn about each.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  // Monaco's workers are ES modules that share chunks.
  worker: { format: "es" },
});
