import { defineConfig } from 'vitest/config'

// Two projects: what needs nothing but Node, and what builds real pairs in network namespaces.
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
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // Real time on a shared machine: one more try. What must never happen is not retried (pair.test.ts).
          retry: 1,
        },
      },
    ],
  },
})
