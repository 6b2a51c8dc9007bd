import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { parseEngineHost } from '../../../src/provider/docker/engine/address.js';
import { Engine } from '../../../src/provider/docker/engine/engine.js';
import { haveImage } from '../../../src/provider/docker/image.js';
import { Docker, describeWithEngine } from '../../fakes/docker.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';
import { startRegistry, type Registry } from '../../fakes/registry.js';

for (const engine of ['docker', 'podman'] as const) {
  describeWithEngine(engine, `an image of ${engine}`, () => {
    let place: Scratch;
    let registry: Registry;
    let docker: Docker;
    let image: string;

    beforeAll(async () => {
      place = scratch('sidecar-image-');
      registry = await startRegistry({ login: 'dev:pass' });
      image = `${registry.host}/private/image`;
      const own = path.join(place.path, 'engine');
      mkdirSync(own);
      docker = await (engine === 'docker' ? Docker.start(own) : Docker.startPodman(own, { registry: registry.host }));
      docker.importImage('here', { programs: [] });
    });
    afterAll(async () => {
      await docker[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      place.remove();
    });
    afterEach(() => docker.run('rmi', '--force', image));

    function loggedIn(password: string | undefined): void {
      const auths = password === undefined ? {} : { [registry.host]: { auth: btoa(`dev:${password}`) } };
      writeFileSync(path.join(place.path, 'config.json'), JSON.stringify({ auths }));
    }

    const have = (name: string, options: object = {}) => {
      const address = parseEngineHost(docker.host, 'the test');
      const env = { PATH: process.env['PATH'], DOCKER_CONFIG: place.path };
      const deps = { engine: new Engine({ address, env }), world: { env, homeDir: '/nonexistent' } };
      return haveImage(deps, name, { pull: 'missing', platform: undefined, ...options }, {});
    };

    it('of a private registry is fetched with the login that `docker login` has left', async () => {
      loggedIn('pass');
      expect(await have(image)).toMatchObject({ user: 'dev' });
      expect(registry.visitors).toContain('dev:pass');
    });

    it('of a private registry is refused to nobody, and what to do is told', async () => {
      loggedIn(undefined);
      await expect(have(image)).rejects.toMatchObject({
        ...{ code: 'provider.failed', retryable: false },
        facts: {
          reason: expect.stringContaining(`the image ${image} is not here, and cannot be fetched: `) as string,
          suggestion: expect.stringContaining(`\`docker login ${registry.host}\``) as string,
        },
      });
    });

    it('that is here is used as it is, and is told to be here where it cannot be fetched again', async () => {
      loggedIn('pass');
      await have(image);
      loggedIn('wrong');
      expect(await have(image)).toMatchObject({ user: 'dev' });
      await expect(have(image, { pull: 'always' })).rejects.toMatchObject({
        facts: {
          reason: expect.stringContaining(`the image ${image} cannot be fetched: `) as string,
          suggestion: 'leave out `pull=always`: it is there already',
        },
      });
    });

    it('that is here for another platform is fetched, unless nothing is to be', async () => {
      const platform = process.arch === 'arm64' ? 'linux/amd64' : 'linux/arm64';
      const { os, architecture } = await have('here');
      expect(await have('here', { platform: `${os}/${architecture}` })).toMatchObject({ os, architecture });
      expect(await have('here', { platform, pull: 'never' })).toMatchObject({ os, architecture });
      await expect(have('here', { platform })).rejects.toMatchObject({
        facts: { reason: expect.stringContaining('cannot be fetched') as string },
      });
    });
  });
}
