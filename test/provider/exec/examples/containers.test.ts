import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../src/clock.js';
import { runLine } from '../../../../src/provider/conformance/bench.js';
import { logInBy } from '../../../../src/provider/conformance/login.js';
import { execProvider } from '../../../../src/provider/exec/provider.js';
import type { MachineSpec, Provider } from '../../../../src/provider/provider.js';
import { generateKeyPair, type KeyPair } from '../../../../src/transport/key-pair.js';
import { providerContract } from '../../../contract/provider.js';
import { packageRoot } from '../../../fakes/built-program.js';
import { describeWithEngine, Docker } from '../../../fakes/docker.js';
import { removeDirectory } from '../../../fakes/remove-directory.js';

const example = path.join(packageRoot, 'src/provider/exec/examples/sidecar-provider-containers');
const image = 'sidecar-examples';

/**
 * A command line that does as the engine's own, but for the next `WORD` where there is a file `client.lost-WORD` or
 * `client.failing-WORD`: it prints what that holds instead of the answer, and only in the first case does it as well. With
 * `client.hanging-WORD` it never ends by itself.
 */
const clientOf = (command: string): string => `#!/bin/sh
for fate in lost failing hanging; do
  [ -e "$0.$fate-$1" ] || continue
  words=$(cat "$0.$fate-$1")
  rm "$0.$fate-$1"
  [ "$fate" != hanging ] || exec sleep 1000
  [ "$fate" = failing ] || ${command} "$@" >/dev/null
  echo "$words" >&2
  exit 1
done
exec ${command} "$@"
`;

for (const engine of ['docker', 'podman'] as const)
  describeWithEngine(engine, `sidecar-provider-containers, with ${engine}`, () => {
    let env: NodeJS.ProcessEnv;
    let client: string;
    let temporary: string;
    let place: string;
    let docker: Docker;
    let provider: Provider;

    beforeAll(async () => {
      place = await mkdtemp(path.join(tmpdir(), 'sidecar-containers-'));
      docker = await (engine === 'docker' ? Docker.start(place) : Docker.startPodman(place));
      client = path.join(place, 'client');
      temporary = path.join(place, 'temporary');
      await mkdir(temporary);
      const command = engine === 'docker' ? 'docker' : `podman --remote --url '${docker.host}'`;
      await writeFile(client, clientOf(command), { mode: 0o755 });
      env = { ...process.env, DOCKER_HOST: docker.host, SIDECAR_CONTAINERS_ENGINE: client, TMPDIR: temporary };
      docker.importImage(image, { programs: ['git', 'sshd'] });
      docker.importImage('no-sshd', { changes: ['VOLUME /kept'] });
      docker.importImage('of-dev', { programs: ['git', 'sshd'], changes: ['USER dev'] });
      const program = { name: 'containers', command: [example] as const, source: 'path' as const };
      provider = await execProvider({ program, env, clock: systemClock });
    });
    afterAll(async () => {
      await docker[Symbol.asyncDispose]();
      removeDirectory(place);
    });

    describe('keeps the promises of a provider:', () => {
      providerContract(() => Promise.resolve({ provider, image }), { skips: ['stop'] });
    });

    const create = async (image: string | undefined, options = {}): Promise<unknown> => {
      const hostKey = await generateKeyPair();
      const spec = { name: 'web', requestId: 'r-1', image, hostKey, authorizedKeys: [hostKey.publicKey], options };
      return provider.create(spec);
    };
    const specFor = async (key: KeyPair, requestId: string, image: string): Promise<MachineSpec> => {
      const hostKey = await generateKeyPair();
      return { name: 'web', requestId, image, hostKey, authorizedKeys: [key.publicKey], options: {} };
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
      expect(docker.run('volume', 'ls', '--quiet')).toBe('');
    });

    it('takes the engine’s own words for a failure, and leaves nothing', async () => {
      await expect(create(image, { network: 'nosuch' })).rejects.toMatchObject({
        code: 'provider.failed',
        facts: { reason: expect.stringContaining('nosuch') as string },
      });
      expect(containers()).toBe('');
    });

    it('goes on with a container whose answer was lost, and makes no second one', async () => {
      const spec = await specFor(await generateKeyPair(), 'r-1', image);
      await writeFile(`${client}.lost-create`, 'error during connect: Post "http://engine/containers/create": EOF');
      await expect(provider.create(spec)).rejects.toMatchObject({
        ...{ code: 'provider.unavailable', retryable: true },
        facts: { maybeApplied: true },
      });
      expect((await provider.create(spec)).state).toBe('running');
      expect(containers()).toBe('sidecar-x-web');
      await provider.delete(spec);
    });

    it('says that something may be left of what it could not take back', async () => {
      const spec = await specFor(await generateKeyPair(), 'r-1', 'no-sshd');
      await writeFile(`${client}.failing-rm`, 'Cannot connect to the engine');
      await expect(provider.create(spec)).rejects.toMatchObject({
        code: 'usage.invalid',
        facts: { maybeApplied: true },
      });
      expect(containers()).toBe('sidecar-x-web');
      await provider.delete(spec);
      expect(containers()).toBe('');
    });

    it('leaves no file of its own where it is told to end', async () => {
      // One that was ended as it began may have left its directory.
      const before = readdirSync(temporary);
      const hanging = `${client}.hanging-create`;
      await writeFile(hanging, '');
      const abort = new AbortController();
      const spec = await specFor(await generateKeyPair(), 'r-1', image);
      const creation = provider.create(spec, { signal: abort.signal });
      await vi.waitFor(() => expect(existsSync(hanging)).toBe(false), { timeout: 20_000 });
      abort.abort(new Error('enough'));
      await expect(creation).rejects.toThrow('enough');
      expect(readdirSync(temporary)).toEqual(before);
    });

    it('takes no container of its name for its own that nobody knows who made', async () => {
      const spec = await specFor(await generateKeyPair(), 'r-1', image);
      docker.run('create', '--name=sidecar-x-web', '--label=of=another', '--entrypoint=true', image);
      await expect(provider.create(spec)).rejects.toMatchObject({
        code: 'sidecar.exists',
        facts: { maybeApplied: false },
      });
      await provider.delete(spec);
      expect(containers()).toBe('sidecar-x-web');
      docker.run('rm', 'sidecar-x-web');
    });

    it('says that an engine that is not there is not available', async () => {
      const env = { ...process.env, DOCKER_HOST: `unix://${place}/nosuch` };
      const program = { name: 'containers', command: [example] as const, source: 'path' as const };
      const other = await execProvider({ program, env, clock: systemClock });
      const ref = { name: 'web', requestId: 'r-1' };
      await expect(other.describe(ref)).rejects.toMatchObject({ code: 'provider.unavailable', retryable: true });
    });

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
        execFileSync(client, ['commit', 'sidecar-x-web', 'of-another'], { env });
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
