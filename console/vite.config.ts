import { defineConfig } from 'vite'

// The page is served at / by the node. In development the admin API is asked of a node or of the mock.
const api = process.env['JINDU_ADMIN'] ?? 'http://127.0.0.1:8090'

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the policy of the page allows no inline content
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: { proxy: { '/api': api } },
})
