import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import { Asked } from '../../../src/provider/conformance/asked.js';
import type { Machine, MachineSpec, Provider } from '../../../src/provider/provider.js';
import { fakeClock } from '../../fakes/clock.js';

const key = { publicKey: '', privateKey: '' };
const spec: MachineSpec = { name: 'web', requestId: 'r-1', hostKey: key, authorizedKeys: [], options: {} };

it('a machine that one of several calls made, and another was refused, is looked for until it is known', async () => {
  const clock = fakeClock();
  const machine: Machine = { ...spec, id: 'vm-1', state: 'running' };
  let refuse: (error: Error) => void = () => undefined;
  const refusal = new Promise<never>((_, reject) => (refuse = reject));
  const made = [refusal, Promise.resolve(machine)];
  let deletions = 0;
  const provider: Provider = {
    name: 'late',
    place: {},
    capabilities: () =>
      Promise.resolve({
        ...{ idempotentCreate: true, readsLag: true, hostKey: 'given' },
        ...{ start: false, stop: false, authorizeKey: false, connect: false },
      }),
    create: () => made.shift() ?? refusal,
    describe: () => Promise.resolve(clock.now() > 0 ? machine : undefined),
    list: () => Readable.from([]),
    delete: (_ref, options) => {
      deletions += 1;
      if (deletions < 2) options?.onUnknown?.();
      return Promise.resolve();
    },
  };
  const asked = new Asked({ provider, clock });
  asked.add(spec);
  const { signal } = new AbortController();
  const refused = asked.create(spec, signal);
  await asked.create(spec, signal);
  refuse(new SidecarError('provider.failed', {}, { retryable: false }));
  await expect(refused).rejects.toMatchObject({ code: 'provider.failed' });
  expect(await clock.until(asked.endAll())).toEqual({ leftBehind: [], perhapsLeftBehind: [] });
  expect(deletions).toBe(2);
});
