import { describe, it } from 'vitest';
import { chain, showChain } from './chain.js';
import { hold, patience } from './hold.js';
import { playChain } from './play-chain.js';

describe('random steps: edits on both sides, syncs of every kind, connections that go at any byte', () => {
  it('end with a plain sync that finishes everything, and nothing is lost', patience(30), (context) =>
    hold(context, {
      cases: chain,
      count: 30,
      play: playChain,
      show: showChain,
      where: 'chains of edits, syncs, dry runs, refusals and lost connections',
    }),
  );
});
