import { afterAll, beforeAll } from 'vitest';
import { providerContract } from '../../contract/provider.js';
import { describeWithEngine } from '../../fakes/docker.js';
import { EngineBed } from '../docker/bed.js';

for (const engine of ['docker', 'podman'] as const) {
  describeWithEngine(engine, `the docker provider, with ${engine}`, () => {
    let bed: EngineBed;
    beforeAll(async () => {
      bed = await EngineBed.start(engine);
    });
    afterAll(() => bed[Symbol.asyncDispose]());

    providerContract(() => Promise.resolve({ provider: bed.provider, image: 'full' }), { skips: ['stop'] });
  });
}
