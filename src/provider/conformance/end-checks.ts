import type { MachineRef } from '../provider.js';
import type { Bench } from './bench.js';
import { must, Skipped, type Check } from './check.js';

/** Stopping a machine, ending it, and creations that go wrong. Each leaves the shared machine as the next one takes it. */
export const endChecks: readonly Check[] = [
  {
    id: 'start-running',
    title: 'leaves a machine that runs alone when it is started',
    needs: ['start'],
    run: async (bench) => {
      const { spec } = await bench.running();
      await bench.provider.start?.(spec, { signal: bench.signal });
      must((await bench.describe(spec))?.state === 'running', 'it does not run any more');
    },
  },
  {
    id: 'stop-start',
    title: 'stops a machine, twice in peace, and starts it with its files, host key and logins',
    needs: ['stop', 'start'],
    run: async (bench) => {
      const { spec } = await bench.running();
      const token = spec.requestId;
      must((await bench.run(spec, `echo ${token} > conformance-kept && sync`)).code === 0, 'a file cannot be written');
      for (let time = 0; time < 2; time += 1) await bench.provider.stop?.(spec, { signal: bench.signal });
      await bench.waitForState(spec, 'stopped');
      await bench.provider.start?.(spec, { signal: bench.signal });
      await bench.waitForLogin(spec);
      const { stdout } = await bench.run(spec, 'cat conformance-kept; rm -f conformance-kept');
      must(stdout === `${token}\n`, 'a file that was written before is gone');
    },
  },
  {
    id: 'stop',
    title: 'stops a machine that it cannot start again',
    needs: ['stop'],
    run: async (bench) => {
      if ((await bench.capabilities()).start) throw new Skipped('it can start it again, which is tried above');
      const { spec } = await bench.running();
      await bench.provider.stop?.(spec, { signal: bench.signal });
      await bench.waitForState(spec, 'stopped');
    },
  },
  {
    id: 'delete',
    title: 'deletes a machine, and then neither describes nor lists it',
    run: async (bench) => {
      const { created } = await bench.first();
      await bench.delete(created);
    },
  },
  {
    id: 'delete-again',
    title: 'is content to delete what is gone, by id and by name',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      await bench.delete(created);
      await bench.delete({ name: spec.name, requestId: spec.requestId });
    },
  },
  {
    id: 'name-again',
    title: 'makes another machine under the name of one that was deleted',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      await bench.delete(created);
      const next = await bench.spec({ name: spec.name });
      await bench.create(next);
      for (const old of [spec, created]) {
        must((await bench.describe(old)) === undefined, 'it takes the new one for the one that was deleted');
      }
      await bench.delete(next);
    },
  },
  {
    id: 'create-parallel',
    title: 'makes one machine of creations that come at the same time',
    needs: ['idempotentCreate'],
    run: async (bench) => {
      const spec = await bench.spec();
      const made = await Promise.all([1, 2, 3].map(() => bench.create(spec)));
      must(new Set(made.map(({ id }) => id)).size === 1, 'they were answered with several');
      must((await bench.listed(spec.name)).length === 1, 'it lists several');
      await bench.waitForLogin(spec);
      await bench.delete(spec);
    },
  },
  {
    id: 'create-aborted',
    title: 'leaves nothing of a creation that is aborted but what delete removes',
    run: async (bench) => {
      // As it is begun, and in its midst: either may come too late, and then there is a machine.
      for (const afterMs of [0, 150]) {
        const spec = await bench.spec();
        const abort = new AbortController();
        const creating = bench.create(spec, abort.signal);
        const ended = creating.then(
          () => undefined,
          (error: unknown) => error,
        );
        await bench.clock.sleep(afterMs, bench.signal);
        abort.abort(new Error('aborted by this check'));
        const error = await ended;
        const isReason = error === undefined || error === abort.signal.reason;
        must(isReason, `it ended with another error than the reason to abort: ${String(error)}`);
        await deleteLate(bench, { name: spec.name, requestId: spec.requestId });
      }
    },
  },
];

/** What was under way may come into being after it was deleted once, and has to go all the same. */
async function deleteLate(bench: Bench, ref: MachineRef): Promise<void> {
  await bench.end(ref);
  await bench.clock.sleep(1_000, bench.signal);
  await bench.delete(ref);
}
