import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.INVOKEAI_URL ?? 'http://127.0.0.1:9090';

// Addresses are relative, so the page works below any path of a proxy.
export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/api': server } },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}', 'testing/**/*.test.ts'],
    setupFiles: ['testing/setup.ts'],
  },
});
