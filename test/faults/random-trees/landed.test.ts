import { describe, it } from 'vitest';
import { hold, patience } from './hold.js';
import { play } from './play.js';
import { showTrees } from './show.js';
import { treeCase } from './tree-case.js';

describe('random trees in a workspace that a landing made', () => {
  const cases = treeCase({ starts: ['landed'], tangled: false });
  it('land exactly, and nothing of the sidecar’s is lost', patience(100), (context) =>
    hold(context, {
      cases,
      count: 100,
      play,
      show: showTrees,
      where: 'local, last landed and sidecar trees of every kind of path',
    }),
  );
});
