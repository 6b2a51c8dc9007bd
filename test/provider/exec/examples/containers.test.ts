import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.js';
import { runLine } from '../../../../src/provider/conformance/bench.js';
import { logInBy } from '../../../../src/provider/conformance/login.js';
import { execProvider } from '../../../../src/provider/exec/provider.js';
import type { MachineSpec, Provider } from '../../../../src/provider/provider.js';
import { generateKeyPair, type KeyPair } from '../../../../src/transport/key-pair.js';
import { providerContract } from '../../../contract/provider.js';
import { packageRoot } from '../../../fakes/built-program.js';
import { describeWithEngine, Docker } from '../../../fakes/docker.js';

const example = path.join(packageRoot, 'src/provider/exec/examples/sidecar-provider-containers');
const image = 'sidecar-examples';

for (const engine of ['docker', 'podman'] as const)
  describeWithEngine(engine, `sidecar-provider-containers, with ${engine}`, () => {
    let env: NodeJS.ProcessEnv;
    let place: string;
    let docker: Docker;
    let provider: Provider;

    beforeAll(async () => {
      place = await mkdtemp(path.join(tmpdir(), 'sidecar-containers-'));
      docker = await (engine === 'docker' ? Docker.start(place) : Docker.startPodman(place));
      env = { ...process.env, DOCKER_HOST: docker.host };
      if (engine === 'podman') {
        const client = path.join(place, 'podman-client');
        await writeFile(client, `#!/bin/sh\nexec podman --remote --url '${docker.host}' "$@"\n`, { mode: 0o755 });
        env = { ...env, SIDECAR_CONTAINERS_ENGINE: client };
      }
      docker.importImage(image, { programs: ['git', 'sshd'] });
      docker.importImage('no-sshd');
      docker.importImage('of-dev', { programs: ['git', 'sshd'], changes: ['USER dev'] });
      const program = { name: 'containers', command: [example] as const, source: 'path' as const };
      provider = await execProvider({ program, env, clock: systemClock });
    });
    afterAll(async () => {
      await docker[Symbol.asyncDispose]();
      await rm(place, { recursive: true, force: true });
    });

    describe('keeps the promises of a provider:', () => {
      providerContract(() => Promise.resolve({ provider, image }), { skips: ['stop'] });
    });

    const create = async (image: string | undefined, options = {}): Promise<unknown> => {
      const hostKey = await generateKeyPair();
      const spec = { name: 'web', requestId: 'r-1', image, hostKey, authorizedKeys: [hostKey.publicKey], options };
      return provider.create(spec);
    };
    /** What a shell line prints in the machine, for whoever has that key. Only one that shows the key of the spec will do. */
    const runIn = async (spec: MachineSpec, key: KeyPair, line: string): Promise<string> => {
      const machine = await provider.describe(spec);
      if (machine?.ssh === undefined) throw new Error('it does not say how to log in');
      const { ssh } = machine;
      const { signal } = new AbortController();
      const hostKeys = [spec.hostKey.publicKey];
      const { transport } = await logInBy(process.env)({ provider, machine, ssh, hostKeys, key, signal });
      try {
        return (await runLine(transport, line, signal)).stdout;
      } finally {
        await transport.close();
      }
    };
    const containers = (): string => docker.run('ps', '--all', '--format', '{{.Names}}');

    it('wants an image, and one with what is needed, and leaves nothing of another', async () => {
      const invalid = (reason: RegExp) => ({
        code: 'usage.invalid',
        facts: { reason: expect.stringMatching(reason) as string },
      });
      await expect(create(undefined)).rejects.toMatchObject(invalid(/an image is needed/));
      await expect(create('no-sshd')).rejects.toMatchObject(invalid(/there is no sshd in the image/));
      await expect(create('nobody/nosuch')).rejects.toMatchObject(invalid(/there is no image nobody\/nosuch/));
      expect(containers()).toBe('');
    });

    it('takes the engine’s own words for a failure, and leaves nothing', async () => {
      await expect(create(image, { network: 'nosuch' })).rejects.toMatchObject({
        code: 'provider.failed',
        facts: { reason: expect.stringContaining('nosuch') as string },
      });
      expect(containers()).toBe('');
    });

    it('says that an engine that is not there is not available', async () => {
      const env = { ...process.env, DOCKER_HOST: `unix://${place}/nosuch` };
      const program = { name: 'containers', command: [example] as const, source: 'path' as const };
      const other = await execProvider({ program, env, clock: systemClock });
      const ref = { name: 'web', requestId: 'r-1' };
      await expect(other.describe(ref)).rejects.toMatchObject({ code: 'provider.unavailable', retryable: true });
    });

    const specFor = async (key: KeyPair, requestId: string, image: string): Promise<MachineSpec> => {
      const hostKey = await generateKeyPair();
      return { name: 'web', requestId, image, hostKey, authorizedKeys: [key.publicKey], options: {} };
    };

    it('lets root in, whomever the image names', async () => {
      const key = await generateKeyPair();
      const spec = await specFor(key, 'r-1', 'of-dev');
      await provider.create(spec);
      expect(await runIn(spec, key, 'id -u')).toBe('0\n');
      const other = await generateKeyPair();
      await provider.authorizeKey?.(spec, other.publicKey);
      expect(await runIn(spec, other, 'id -u')).toBe('0\n');
      await provider.delete(spec);
    });

    describe('of an image that was made of another machine', () => {
      const refused = { code: 'ssh.auth_refused' };
      let before: KeyPair;
      let key: KeyPair;
      let spec: MachineSpec;

      beforeAll(async () => {
        [before, key] = await Promise.all([generateKeyPair(), generateKeyPair()]);
        const former = await specFor(before, 'r-before', image);
        await provider.create(former);
        // podman does not understand what docker's client says for this.
        execFileSync(env['SIDECAR_CONTAINERS_ENGINE'] ?? 'docker', ['commit', 'sidecar-x-web', 'of-another'], { env });
        await provider.delete(former);
        spec = await specFor(key, 'r-now', 'of-another');
      });
      afterEach(() => provider.delete(spec));

      it('has its own host key, and lets in none of the other’s keys', async () => {
        await provider.create(spec);
        expect(await runIn(spec, key, 'echo in')).toBe('in\n');
        await expect(runIn(spec, before, 'echo in')).rejects.toMatchObject(refused);
      });

      it('gets them too where its creation was cut off before, and keeps them when it is repeated', async () => {
        const labels = ['name=web', 'request=r-now', `host-key=${spec.hostKey.publicKey}`];
        const words = labels.flatMap((label) => ['--label', `sidecar.${label}`]);
        docker.run('create', '--name=sidecar-x-web', ...words, '--entrypoint=sleep', 'of-another', '1000');
        await provider.create(spec);
        expect(await runIn(spec, key, 'echo in')).toBe('in\n');
        await expect(runIn(spec, before, 'echo in')).rejects.toMatchObject(refused);
        const other = await generateKeyPair();
        await provider.authorizeKey?.(spec, other.publicKey);
        await provider.create(spec);
        expect(await runIn(spec, other, 'echo in')).toBe('in\n');
      });
    });

    it('keeps what only the machine may know to the machine', async () => {
      const hostKey = await generateKeyPair();
      const spec = { name: 'web', requestId: 'r-1', image, hostKey, authorizedKeys: [hostKey.publicKey], options: {} };
      await provider.create(spec);
      const secret = hostKey.privateKey.split('\n')[2] ?? '';
      expect(docker.run('inspect', 'sidecar-x-web')).not.toContain(secret);
      expect(docker.run('exec', 'sidecar-x-web', 'cat', '/etc/sidecar/host_key')).toContain(secret);
      expect(docker.run('exec', 'sidecar-x-web', 'stat', '-c', '%a', '/etc/sidecar/host_key')).toBe('600');
      await provider.delete(spec);
    });
  });
