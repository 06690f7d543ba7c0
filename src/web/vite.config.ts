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
    // The first ones with light-dark() in CSS, of spring 2024.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // "use client" in the libraries means something to servers that render React, and nothing here.
      onLog: (level, log, tell) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') tell(level, log)
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:5000' } },
}))
