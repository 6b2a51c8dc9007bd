import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.js';
import { checks } from '../../src/provider/conformance/checks.js';
import { logInBy } from '../../src/provider/conformance/login.js';
import { Conformance } from '../../src/provider/conformance/run.js';
import type { Provider, ProviderOptions } from '../../src/provider/provider.js';
import { quickClock } from '../provider/api/quick-clock.js';

export interface ProviderUnderTest {
  readonly provider: Provider;
  readonly image?: string;
  readonly options?: ProviderOptions;
}

/**
 * What every Provider promises, as `sidecar provider test` finds it out, a test for each check. To be called within a
 * `describe`. Checks of what it cannot do are skipped, and `skips` lists them, so that none is by mistake.
 */
export function providerContract(
  open: () => Promise<ProviderUnderTest>,
  { skips = [] }: { readonly skips?: readonly string[] } = {},
): void {
  let suite: Conformance;
  let time: Clock = systemClock;
  const clock: Clock = { now: () => time.now(), sleep: (ms, signal) => time.sleep(ms, signal) };
  beforeAll(async () => {
    suite = new Conformance({ ...(await open()), clock, logIn: logInBy(process.env), bootMs: 60_000 });
  });
  afterAll(async () => {
    // What these providers do not know by now was never made: a minute of looking for it need not pass.
    time = quickClock();
    expect(await suite.cleanUp()).toMatchObject({ leftBehind: [] });
  });

  for (const check of checks) {
    it(check.title, async ({ skip }) => {
      const outcome = await suite.run(check);
      if (outcome.result === 'failed') throw outcome.error;
      expect(outcome.result === 'skipped').toBe(skips.includes(check.id));
      if (outcome.result === 'skipped') skip(outcome.reason);
    });
  }
}
