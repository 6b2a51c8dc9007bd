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
    // No test is about time: these only end one that waits in vain, on a machine with more to do than it can.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // It tells its developers of everything that they have not set.
    onConsoleLog: (text) => (text.startsWith('oidc-provider ') ? false : undefined),
    pool: 'forks',
    // A test spends much of its time in processes that it starts and waits for.
    maxWorkers: availableParallelism() + 1,
  },
});
