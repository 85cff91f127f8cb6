import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The program serves what this makes under a policy without `unsafe-inline`: nothing inline, no data: URLs, no polyfill that would inject.
// `npx vite dev` with LICET=http://127.0.0.1:8080 shows a running node's data; sign in on its page, or give its key as LICET_KEY.
const node = process.env.LICET ?? 'http://127.0.0.1:8080';
const to = {
  target: node, changeOrigin: true,
  headers: { origin: node, ...(process.env.LICET_KEY ? { authorization: `Bearer ${process.env.LICET_KEY}` } : {}) },
};
export default defineConfig({
  plugins: [svelte({ compilerOptions: { runes: true } })],
  build: { target: 'es2022', assetsInlineLimit: 0, cssCodeSplit: false, modulePreload: false, emptyOutDir: true },
  server: { proxy: { '/api': to, '/log': to, '/oidc': to } },
});
