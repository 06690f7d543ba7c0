import { resolve } from 'node:path'
import { defineConfig } from 'vite'

/**
 * How the page is built, and served while one works on it (`npm run dev:web`, with a server on `:5000` behind it). The server fills in the nonce and
 * the prefix of index.html; everything else is addressed relative to that prefix.
 */
export default defineConfig(({ command }) => ({
  root: import.meta.dirname,
  base: command === 'build' ? './' : '/',
  html: { cspNonce: '__NONCE__' },
  plugins:
    command === 'serve'
      ? [{ name: 'fill-in', transformIndexHtml: (html: string) => html.replaceAll('__PREFIX__', '') }]
      : [],
  build: {
    outDir: resolve(import.meta.dirname, '../../dist/web'),
    emptyOutDir: true,
    // As in 2024: the page uses no more than that, and polyfills would be dead weight.
    target: ['chrome120', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:5000' } },
}))
