import { tmpdir } from 'node:os';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll } from 'vitest';
import type { Machine } from '../../../src/provider/provider.js';
import { transportContract } from '../../contract/transport.js';
import { describeWithEngine } from '../../fakes/docker.js';
import { EngineBed, type Wanted } from './bed.js';

for (const engine of ['docker', 'podman'] as const) {
  describeWithEngine(engine, `ssh2 with sshd in a container of ${engine}`, () => {
    let bed: EngineBed;
    let wanted: Wanted;
    let machine: Machine;
    beforeAll(async () => {
      bed = await EngineBed.start(engine);
      // Its far side is to be this machine, as far as the suite can tell.
      wanted = await bed.spec('web', { volume: `${tmpdir()}:${tmpdir()}`, network: 'host' });
      machine = await bed.provider.create(wanted);
    });
    afterAll(() => bed[Symbol.asyncDispose]());

    transportContract(async () => {
      let stream: Duplex | undefined;
      const open = async (signal: AbortSignal): Promise<Duplex> => (stream = await bed.connect(machine, signal));
      const transport = await bed.logIn(machine, wanted, open);
      return { transport, cut: () => stream?.destroy(Object.assign(new Error('cut'), { code: 'ECONNRESET' })) };
    });
  });
}
