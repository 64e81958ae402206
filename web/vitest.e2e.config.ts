import { defineConfig } from 'vitest/config';

/** End-to-end tests: a real server and a real browser, one file after the other. */
export default defineConfig({
  test: {
    environment: 'node',
    include: ['e2e/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
