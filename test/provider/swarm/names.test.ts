import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Provider } from '../../../src/provider/provider.js';
import { swarmProvider } from '../../../src/provider/swarm.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';

let place: Scratch;
let engine: Server;
let provider: Provider;
beforeEach(async () => {
  place = scratch();
  const socket = path.join(place.path, 'socket');
  engine = createServer((_, answer) => {
    answer.writeHead(503, { 'content-type': 'application/json' });
    answer.end(JSON.stringify({ message: 'This node is not a swarm manager.' }));
  }).listen(socket);
  await once(engine, 'listening');
  provider = await swarmProvider({ env: { DOCKER_HOST: `unix://${socket}` }, homeDir: '/nowhere' });
});
afterEach(() => {
  engine.close();
  place.remove();
});

const ref = { name: 'web-2', requestId: 'r-2' };
it.each<[string, () => Promise<unknown> | undefined]>([
  [
    'makes',
    async () =>
      provider.create({ ...ref, image: 'any', hostKey: await generateKeyPair(), authorizedKeys: [], options: {} }),
  ],
  ['describes', () => provider.describe(ref)],
  ['starts', () => provider.start?.(ref)],
  ['deletes', () => provider.delete(ref)],
])('a swarm that fails where it %s a machine says which', async (_, work) => {
  await expect(work()).rejects.toMatchObject({
    code: expect.stringMatching(/^provider\./) as string,
    facts: { name: 'web-2' },
  });
});
