import { defineConfig } from 'vitest/config'

// Three projects: what needs nothing but Node, what builds real pairs in network namespaces, and what
// kills an agent at every step of a switchover, which takes longer than anybody waits for a change.
const LONG = ['test/e2e/pair-crash.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: LONG,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // Real time on a shared machine: one more try. What must never happen is not retried (pair.test.ts).
          retry: 1,
        },
      },
      {
        test: {
          name: 'long',
          include: LONG,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
