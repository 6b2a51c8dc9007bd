import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryTransport } from '../../fakes/memory-transport.js';
import { Bed } from '../bed/bed.js';
import { cutPoints, type CutPoints, type CutSeries } from './cut-points.js';
import { farLogin, opening, recorded, type LoginOptions, type Recording } from '../bed/far-login.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { firstLanding, largeLanding, laterLanding, lostShadow } from '../bed/scenarios.js';

const scenarios = [firstLanding, laterLanding, largeLanding, lostShadow];

describe.each(scenarios)('a connection that is cut during $title', (scenario) => {
  let bed: Bed;
  let points: CutPoints;

  beforeAll(async () => {
    bed = await Bed.make(scenario);
    const recording: Recording = { sent: [], received: [] };
    const { handler } = farLogin(bed.side, { afterlife: 'runs on' });
    await bed.side.sync(opening(() => memoryTransport(recorded(handler, recording))));
    bed.expectStands();
    points = cutPoints(recording);
  });
  afterAll(() => bed.remove());

  it.for([
    ['at any message, in either direction', 'messages'],
    ['anywhere in the pack', 'pack'],
    ['after any number of bytes, in either direction', 'anywhere'],
  ] as const)('%s, loses nothing, and the work is finished', { timeout: 300_000 * scale }, async (row, context) => {
    const [where, kind] = row;
    const times = { same: 0, next: 0 };
    for (const [index, series] of points[kind].entries()) {
      const afterlife = index % 2 === 0 ? 'runs on' : 'killed';
      const way = index % 4 < 2 ? 'same' : 'next';
      bed.restore();
      try {
        times[way] += await (way === 'same' ? bySameSync : byNextSync)(bed, series, afterlife);
        if (index % 6 === 0) await bed.expectNothingToDo();
      } catch (cause) {
        throw new Error(`cut after ${JSON.stringify(series)}, then ${afterlife}, ${way} sync`, { cause });
      }
    }
    const fault = 'connection cut';
    tried(context, { fault, where, times: times.same, outcome: 'finished by the same sync' });
    tried(context, { fault, where, times: times.next, outcome: 'clear error; the next sync finished' });
  });
});

type Afterlife = LoginOptions['afterlife'];

/** One sync, whose connections are cut one after another until one holds. How many were cut. */
async function bySameSync(bed: Bed, series: CutSeries, afterlife: Afterlife): Promise<number> {
  const login = farLogin(bed.side, { afterlife });
  let opened = 0;
  const result = await bed.side.sync(opening(() => memoryTransport(login.handler, series[opened++])));
  expect(result.verified).toBe(true);
  await login.settled();
  bed.expectStands();
  return opened - 1;
}

/** Syncs that are cut for good, one after another, and then a plain one. How many were cut. */
async function byNextSync(bed: Bed, series: CutSeries, afterlife: Afterlife): Promise<number> {
  const login = farLogin(bed.side, { afterlife });
  let cuts = 0;
  for (const cut of series) {
    const once = opening(() => memoryTransport(login.handler, cut), { again: false });
    const failure = await bed.side.sync(once).then(
      () => undefined, // what an earlier cut left to do took fewer bytes
      (error: unknown) => error,
    );
    if (failure === undefined) continue;
    expect(failure).toMatchObject({ code: 'ssh.connection_lost' });
    bed.expectNothingHalfDone();
    cuts += 1;
  }
  expect((await bed.side.sync()).verified).toBe(true);
  await login.settled();
  bed.expectStands();
  return cuts;
}
