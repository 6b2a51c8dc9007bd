import { describe, it } from 'vitest';
import { hold, patience } from './hold.js';
import { play } from './play.js';
import { showTrees } from './show.js';
import { treeCase } from './tree-case.js';

describe('random trees with many nested repositories and ignore rules', () => {
  const cases = treeCase({ starts: ['landed'], tangled: true });
  it('land exactly, and nothing of the sidecar’s is lost', patience(100), (context) =>
    hold(context, {
      cases,
      count: 100,
      play,
      show: showTrees,
      where: 'nested repositories, submodules and ignore rules on both sides',
    }),
  );
});
