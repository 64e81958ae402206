import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** What the built page may load: only what its own server gives, and pictures as data. */
const policy = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'", // the menus and dialogs place themselves with style attributes
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

const server = process.env.INVOKEAI_URL ?? 'http://127.0.0.1:9090';

// Addresses are relative, so the page works below any path of a proxy.
export default defineConfig({
  base: './',
  plugins: [
    react(),
    {
      name: 'content-security-policy',
      apply: 'build',
      transformIndexHtml: () => [
        {
          tag: 'meta',
          attrs: { 'http-equiv': 'Content-Security-Policy', content: policy },
          injectTo: 'head-prepend',
        },
      ],
    },
  ],
  resolve: {
    alias: {
      '@testing': new URL('./testing', import.meta.url).pathname,
      '@': new URL('./src', import.meta.url).pathname,
    },
  },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/api': server } },
  test: {
    environment: 'jsdom',
    testTimeout: 30_000,
    include: ['src/**/*.test.{ts,tsx}', 'testing/**/*.test.ts'],
    setupFiles: ['testing/setup.ts'],
  },
});
