import { afterAll, beforeAll } from 'vitest';
import type { Provider } from '../../../src/provider/provider.js';
import { swarmProvider } from '../../../src/provider/swarm.js';
import { providerContract } from '../../contract/provider.js';
import { describeWithEngine } from '../../fakes/docker.js';
import { Swarm } from '../../fakes/swarm.js';

describeWithEngine('docker', 'the swarm provider', () => {
  let swarm: Swarm;
  let provider: Provider;
  beforeAll(async () => {
    swarm = await Swarm.start(1);
    swarm.manager.importImage('full', { programs: ['git', 'sshd'] });
    provider = await swarmProvider({ env: { DOCKER_HOST: swarm.manager.host }, homeDir: '/nowhere' });
  });
  afterAll(() => swarm[Symbol.asyncDispose]());

  providerContract(() => Promise.resolve({ provider, image: 'full' }), {
    skips: ['authorize-key', 'streams', 'stop-start', 'stop'],
  });
});
