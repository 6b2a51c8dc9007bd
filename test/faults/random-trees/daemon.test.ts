import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../fakes/parts.js';
import { sshdParts } from '../../fakes/sshd.js';
import { DaemonBed } from './daemon-stage.js';
import { hold, patience } from './hold.js';
import { play } from './play.js';
import { showTrees } from './show.js';
import { treeCase } from './tree-case.js';

describeWith(sshdParts, 'random trees that the daemon lands, which is killed now and then, or hangs', () => {
  let bed: DaemonBed;
  beforeAll(async () => {
    bed = await DaemonBed.start();
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  const cases = treeCase({ starts: ['landed', 'clone with a landing', 'clone'], tangled: false });
  it('land exactly, and nothing of the sidecar’s is lost', patience(25), async (context) => {
    await hold(context, {
      cases,
      count: 25,
      play: (given) => play(given, bed.stage(given)),
      show: showTrees,
      where: 'local and sidecar trees of every kind of path, synced by the program and its daemon',
    });
    expect(bed.done.warm).toBeGreaterThan(0);
    expect(bed.done.cold).toBeGreaterThan(0);
  });
});
