import { defineConfig } from 'vitest/config'

// What needs nothing but Node; what builds real pairs in network namespaces; pairs that boot, or have a
// witness or a fence: a quarter of an hour more, and each file one story without second tries.

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/pair/**'],
          testTimeout: 20_000,
          maxWorkers: 2,
          // Many of them start real processes, two files at a time.
          retry: 1,
        },
      },
      {
        test: {
          name: 'screenshots',
          include: ['test/screenshots/*.shot.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // Real time on a shared machine: one more try. What must never happen is not retried (pair.test.ts).
          retry: 1,
        },
      },
      {
        test: {
          name: 'pair',
          include: ['test/pair/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
