import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Provider, ProviderOptions } from '../../../src/provider/provider.js';
import { swarmProvider } from '../../../src/provider/swarm.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { Docker, describeWithEngine } from '../../fakes/docker.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';
import { startRegistry, type Registry } from '../../fakes/registry.js';

describeWithEngine('docker', 'a service of an image in a private registry', () => {
  let place: Scratch;
  let registry: Registry;
  let docker: Docker;
  let provider: Provider;
  let image: string;

  beforeAll(async () => {
    place = scratch('sidecar-swarm-registry-');
    registry = await startRegistry({ login: 'dev:pass' });
    image = `${registry.host}/private/image`;
    const own = path.join(place.path, 'engine');
    mkdirSync(own);
    docker = await Docker.start(own);
    docker.run('swarm', 'init', '--advertise-addr=127.0.0.1');
    const env = { PATH: process.env['PATH'], DOCKER_HOST: docker.host, DOCKER_CONFIG: place.path };
    provider = await swarmProvider({ env, homeDir: '/nonexistent' });
  });
  afterAll(async () => {
    docker.run('swarm', 'leave', '--force');
    await docker[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    place.remove();
  });

  const create = async (options: ProviderOptions) => {
    const [hostKey, { publicKey }] = await Promise.all([generateKeyPair(), generateKeyPair()]);
    const spec = { name: 'web', requestId: randomUUID(), image, hostKey, authorizedKeys: [publicKey], options };
    return provider.create(spec);
  };

  it('is refused where the nodes are to have a login, and there is none', async () => {
    await expect(create({ 'registry-auth': true })).rejects.toMatchObject({
      code: 'usage.invalid',
      facts: { reason: `there is no login at ${registry.host} for the swarm's nodes` },
    });
    expect(docker.run('service', 'ls', '--quiet')).toBe('');
    expect(docker.run('secret', 'ls', '--quiet')).toBe('');
  });

  it('is fetched by its node with the login that it was given, and only then', async () => {
    const auths = { [registry.host]: { auth: btoa('dev:pass') } };
    writeFileSync(path.join(place.path, 'config.json'), JSON.stringify({ auths }));
    const without = await create({});
    await vi.waitFor(
      async () =>
        expect(await provider.describe(without)).toMatchObject({
          state: 'starting',
          reason: expect.stringMatching(/no such image/i) as string,
        }),
      { timeout: 60_000 },
    );
    expect(registry.visitors).not.toContain('dev:pass');
    await provider.delete(without);

    const machine = await create({ 'registry-auth': true });
    await vi.waitFor(() => expect(docker.run('image', 'ls', '--quiet', image)).not.toBe(''), { timeout: 60_000 });
    expect(registry.visitors).toContain('dev:pass');
    await provider.delete(machine);
  });
});
