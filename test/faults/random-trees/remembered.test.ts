import { describe, it } from 'vitest';
import { hold, patience } from './hold.js';
import { playRemembered, rememberedCase, showRemembered } from './remembered.js';

describe('random edits, and what git does to a working tree, between one snapshot and the next', () => {
  it('are seen by a snapshot with a memory as by one that reads everything', patience(60), (context) =>
    hold(context, {
      cases: rememberedCase,
      count: 60,
      play: playRemembered,
      show: showRemembered,
      where: 'snapshots with a memory of those before',
    }),
  );
});
