import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'] } },
      // What a sync promises, once more over conversations that were greeted before.
      {
        extends: true,
        test: {
          name: 'warm',
          include: ['test/{sync,incidents}/*.test.ts', 'test/faults/random-trees/{landed,found}.test.ts'],
          env: { FAR_SIDE: 'warm' },
        },
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // A test spends much of its time in processes that it starts and waits for.
    maxWorkers: availableParallelism() + 1,
  },
});
