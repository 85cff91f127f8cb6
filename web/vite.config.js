import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The program serves what this makes under a policy without `unsafe-inline`: nothing inline, no data: URLs, no polyfill that would inject.
export default defineConfig({
  plugins: [svelte({ compilerOptions: { runes: true } })],
  build: { target: 'es2022', assetsInlineLimit: 0, cssCodeSplit: false, modulePreload: false, emptyOutDir: true },
});
