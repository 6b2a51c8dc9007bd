import { describe, it } from 'vitest';
import { hold, patience } from './hold.js';
import { play } from './play.js';
import { showTrees } from './show.js';
import { treeCase } from './tree-case.js';

describe('random trees in a workspace that is a clone', () => {
  const cases = treeCase({ starts: ['clone', 'clone with a landing'], tangled: false });
  it('land exactly, and nothing of the sidecar’s is lost', patience(100), (context) =>
    hold(context, {
      cases,
      count: 100,
      play,
      show: showTrees,
      where: 'a workspace that is a clone, with and without a landing',
    }),
  );
});
