import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../../src/provider/provider.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { describeWithEngine } from '../../fakes/docker.js';
import { EngineBed, closed, output, type Wanted } from './bed.js';
import { writeFileSync } from 'node:fs';

for (const engine of ['docker', 'podman'] as const) {
  describeWithEngine(engine, `a machine that is a container of ${engine}`, () => {
    let bed: EngineBed;
    beforeAll(async () => {
      bed = await EngineBed.start(engine);
    });
    afterAll(() => bed[Symbol.asyncDispose]());
    afterEach(() => {
      for (const name of bed.containers()) bed.docker.run('rm', '--force', '--volumes', name);
    });

    /** What a user sees of a machine that was made. */
    async function make(...wanted: Parameters<EngineBed['spec']>): Promise<[Machine, Wanted]> {
      const spec = await bed.spec(...wanted);
      return [await bed.provider.create(spec), spec];
    }

    it('runs, and lets its user in with the key that it was given, over a stream through the engine', async () => {
      const [machine, wanted] = await make('web');
      expect(machine).toMatchObject({ name: 'web', requestId: wanted.requestId, state: 'running' });
      expect(machine.ssh).toEqual({
        endpoint: { kind: 'connect' },
        user: 'root',
        hostKeys: [wanted.hostKey.publicKey],
      });
      expect(await bed.run(machine, wanted, 'id -un; hostname')).toBe('root\nweb');
      expect(await bed.provider.describe(wanted)).toEqual(machine);
    });

    it('has the environment of its image and of its options in every session, and in login shells', async () => {
      const [machine, wanted] = await make('web', { env: ['LINE=a b', 'QUOTE=\'"\\', 'TERM=dumb'] });
      const said = await bed.run(
        machine,
        wanted,
        'echo "$GREETING"; echo "$PATH"; echo "$LINE"; echo "$QUOTE"; sh -lc \'echo "$PATH"\'; echo "$TERM"',
      );
      expect(said.split('\n')).toEqual([
        'two words',
        '/opt/go/bin:/usr/bin:/bin',
        'a b',
        '\'"\\',
        '/opt/go/bin:/usr/bin:/bin',
      ]);
    });

    it.each([
      ['of-dev', {}, 'dev'],
      ['of-number', {}, 'dev'],
      ['full', { user: 'dev' }, 'dev'],
      ['full', { user: '1000' }, 'dev'],
      ['of-dev', { user: 'root' }, 'root'],
    ])('is used as the user of its image, or the one asked for (%s, %o)', async (image, options, user) => {
      const [machine, wanted] = await make('web', { image, ...options });
      expect(machine.ssh?.user).toBe(user);
      expect((await bed.provider.describe(machine))?.ssh?.user).toBe(user);
      expect(await bed.run(machine, wanted, 'id -un')).toBe(user);
    });

    it('is the same one where it is made twice with one request id, also at once', async () => {
      const spec = await bed.spec('web');
      const all = await Promise.all([bed.provider.create(spec), bed.provider.create(spec)]);
      all.push(await bed.provider.create(spec));
      expect(new Set(all.map(({ id }) => id)).size).toBe(1);
      expect(await bed.run(all[0], spec, 'echo hello')).toBe('hello');
    });

    it('keeps its name from every other, also from one that is made at the same time', async () => {
      const specs = [await bed.spec('web'), await bed.spec('web')];
      const results = await Promise.allSettled(specs.map((spec) => bed.provider.create(spec)));
      const [refusal] = results.filter((result) => result.status === 'rejected');
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const { Id: id } = JSON.parse(bed.docker.run('inspect', '--format', '{{json .}}', 'sidecar-web')) as {
        Id: string;
      };
      expect(refusal?.reason).toMatchObject({
        code: 'sidecar.exists',
        facts: { name: 'web', container: id.slice(0, 12) },
        retryable: false,
      });
    });

    it('leaves a container alone that has its name and is no sidecar', async () => {
      bed.docker.run('create', '--name', 'sidecar-web', 'bare', 'true');
      const spec = await bed.spec('web');
      await expect(bed.provider.create(spec)).rejects.toMatchObject({
        code: 'sidecar.exists',
        facts: { reason: expect.stringContaining('of a container that is no sidecar') as string },
      });
      await bed.provider.delete(spec);
      expect(bed.containers()).toEqual(['sidecar-web']);
    });

    it.each(['finished by the same creation', 'removed by a deletion'])('is %s where one was cut off', async (how) => {
      const spec = await bed.spec('web');
      const labels = [`dev.sidecar.name=web`, `dev.sidecar.request-id=${spec.requestId}`, 'dev.sidecar.user=root'];
      bed.docker.run(
        'create',
        '--name',
        'sidecar-web',
        ...labels.flatMap((each) => ['--label', each]),
        'full',
        'sleep',
        '600',
      );
      expect(await bed.provider.describe(spec)).toMatchObject({ state: 'creating' });
      if (how.startsWith('removed')) {
        await bed.provider.delete(spec);
        expect(bed.containers()).toEqual([]);
        return;
      }
      const machine = await bed.provider.create(spec);
      expect(await bed.run(machine, spec, 'echo hello')).toBe('hello');
    });

    it('is not left behind where its image lacks what it needs, and the error names that', async () => {
      await expect(make('web', { image: 'bare' })).rejects.toMatchObject({
        code: 'provider.failed',
        facts: {
          name: 'web',
          reason: 'the image has no sshd and git',
          suggestion: expect.stringContaining('apt-get install -y openssh-server git') as string,
        },
        retryable: false,
      });
      expect(bed.containers()).toEqual([]);
    });

    it.each([
      ['nobody-here', 'the image has no account nobody-here'],
      ['daemon', 'the account daemon has no login shell, but /usr/sbin/nologin'],
    ])('is not left behind where nobody can log in as %s', async (user, reason) => {
      await expect(make('web', { user })).rejects.toMatchObject({ facts: { reason }, retryable: false });
      expect(bed.containers()).toEqual([]);
    });

    it('is not made of an image that is not there, and the error says why it could not be fetched', async () => {
      const refused = { code: 'provider.failed', retryable: false };
      await expect(make('web', { image: 'nowhere', pull: 'never' })).rejects.toMatchObject({
        ...refused,
        facts: { reason: expect.stringContaining('there is no image nowhere at unix:///') as string },
      });
      await expect(make('web', { image: '127.0.0.1:1/nowhere:2' })).rejects.toMatchObject({
        ...refused,
        facts: { reason: expect.stringMatching(/cannot be fetched: .*127\.0\.0\.1:1/) as string },
      });
    });

    it('stops at once when it is told to, and is started again with all that was in it', async () => {
      const [machine, wanted] = await make('web');
      await bed.run(machine, wanted, 'echo kept > file');
      for (let times = 0; times < 2; times += 1) await bed.provider.stop?.(machine);
      // 137 if it had to be killed.
      expect(await bed.provider.describe(machine)).toMatchObject({
        state: 'stopped',
        reason: 'it has ended with exit code 0',
      });
      await expect(bed.connect(machine)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
      for (let times = 0; times < 2; times += 1) await bed.provider.start?.(machine);
      expect(await bed.run(machine, wanted, 'cat file')).toBe('kept');
    });

    it('is stopped where it was killed or paused, and started again', async () => {
      const [machine, wanted] = await make('web');
      bed.docker.run('kill', 'sidecar-web');
      expect(await bed.provider.describe(machine)).toMatchObject({
        state: 'stopped',
        reason: 'it has ended with exit code 137',
      });
      await bed.provider.start?.(machine);
      bed.docker.run('pause', 'sidecar-web');
      expect(await bed.provider.describe(machine)).toMatchObject({ state: 'stopped', reason: 'it is paused' });
      await bed.provider.start?.(machine);
      expect(await bed.run(machine, wanted, 'echo hello')).toBe('hello');
    });

    it('is deleted with its anonymous volumes, twice too, and the volumes of the user stay', async () => {
      const [machine] = await make('web', { volume: 'mine:/data' });
      expect(bed.docker.run('volume', 'ls', '--quiet')).toContain('mine');
      for (let times = 0; times < 2; times += 1) await bed.provider.delete(machine);
      expect(await bed.provider.describe(machine)).toBeUndefined();
      expect(bed.containers()).toEqual([]);
      expect(bed.docker.run('volume', 'ls', '--quiet')).toContain('mine');
      await expect(bed.provider.start?.(machine)).rejects.toMatchObject({ code: 'provider.gone' });
    });

    it('is found by what it carries where its id is not known, and by nobody with another request id', async () => {
      const [{ id }, { name, requestId }] = await make('web');
      expect(await bed.provider.describe({ name, requestId })).toMatchObject({ id });
      expect(await bed.provider.describe({ name, requestId: 'another', id })).toBeUndefined();
      await bed.provider.delete({ name, requestId: 'another', id });
      expect(bed.containers()).toEqual(['sidecar-web']);
    });

    it('is listed with the others of this place, and with nothing else', async () => {
      bed.docker.run('create', '--name', 'other', 'bare', 'true');
      const [one] = await make('one');
      const [two] = await make('two');
      await bed.provider.stop?.(two);
      const listed = [];
      for await (const { name, state, id } of bed.provider.list()) listed.push({ name, state, id });
      expect(listed.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
        { name: 'one', state: 'running', id: one.id },
        { name: 'two', state: 'stopped', id: two.id },
      ]);
    });

    it('lets in another key, once', async () => {
      const [machine, wanted] = await make('web');
      const { privateKey, publicKey } = await generateKeyPair();
      for (let times = 0; times < 2; times += 1) await bed.provider.authorizeKey?.(machine, `${publicKey} me@home`);
      const identity = `${wanted.identity}-2`;
      writeFileSync(identity, privateKey, { mode: 0o600 });
      expect(await bed.run(machine, { ...wanted, identity }, 'grep -c . /etc/sidecar/authorized_keys')).toBe('2');
      await expect(bed.provider.authorizeKey?.(machine, 'ssh-rsa no\nkey')).rejects.toMatchObject({
        code: 'usage.invalid',
      });
    });

    it('says what is missing where its SSH server is gone, and does not have that waited for', async () => {
      const [machine] = await make('web');
      bed.docker.run('exec', '--user', '0', 'sidecar-web', 'rm', '/usr/sbin/sshd');
      await expect(bed.connect(machine)).rejects.toMatchObject({
        facts: { reason: 'the image has no sshd' },
        retryable: false,
      });
    });

    it('says what its SSH server said where that does not start', async () => {
      const [machine] = await make('web');
      bed.docker.run('exec', '--user', '0', 'sidecar-web', 'rm', '/etc/sidecar/host_key');
      await expect(bed.connect(machine)).rejects.toMatchObject({
        facts: { reason: expect.stringContaining('no hostkeys available') as string },
        retryable: false,
      });
    });

    it('lets nobody in who shows another host key than the one it was given', async () => {
      const [machine, wanted] = await make('web');
      const other = await generateKeyPair();
      await expect(bed.logIn(machine, { ...wanted, hostKey: other })).rejects.toMatchObject({
        code: 'ssh.host_key_changed',
      });
    });

    it('keeps no SSH server running for a stream that was closed', async () => {
      const [machine] = await make('web');
      const stream = await bed.connect(machine);
      expect(bed.docker.run('top', 'sidecar-web', ...(engine === 'docker' ? ['-o', 'pid,args'] : []))).toContain(
        'sshd',
      );
      stream.destroy();
      await closed(stream);
      // It ends when it reads the end of its input, which nobody else is told of.
      for (;;) if (!bed.docker.run('top', 'sidecar-web').includes('sshd')) break;
    });

    it('ends the stream when its container is killed', async () => {
      const [machine] = await make('web');
      const stream = await bed.connect(machine);
      stream.resume();
      bed.docker.run('kill', 'sidecar-web');
      await closed(stream);
    });

    it('gives up a connection when it is told to', async () => {
      const [machine] = await make('web');
      const reason = new Error('enough');
      await expect(bed.connect(machine, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('carries many megabytes whole, also to a reader who takes his time', async () => {
      const [machine, wanted] = await make('web');
      const transport = await bed.logIn(machine, wanted);
      try {
        const sum = 'head -c 50000000 /dev/zero | md5sum';
        expect(await output(transport, `${sum}; head -c 50000000 /dev/zero | wc -c`)).toMatch(/\n50000000$/);
      } finally {
        await transport.close();
      }
    });

    if (engine === 'docker') {
      it('is reached on a port where one is published, also the next one of its name on that port', async () => {
        const [first, wanted] = await make('web', { publish: '0' });
        const endpoint = first.ssh?.endpoint;
        if (endpoint?.kind !== 'tcp') throw new Error('no port');
        expect(endpoint.host).toBe('127.0.0.1');
        expect(await whenServed(() => bed.run(first, wanted, 'id -un'))).toBe('root');
        await bed.provider.delete(first);
        const [second, other] = await make('web', { publish: String(endpoint.port) });
        expect(second.ssh?.endpoint).toEqual(endpoint);
        expect(await whenServed(() => bed.run(second, other, 'id -un'))).toBe('root');
        await bed.provider.stop?.(second);
        await bed.provider.start?.(second);
        const again = await bed.provider.describe(second);
        if (again === undefined) throw new Error('it is gone');
        expect(await whenServed(() => bed.run(again, other, 'id -un'))).toBe('root');
      });

      it('is not left behind where its port is taken', async () => {
        const [{ ssh }] = await make('one', { publish: '0' });
        const port = ssh?.endpoint.kind === 'tcp' ? ssh.endpoint.port : 0;
        await expect(make('two', { publish: String(port) })).rejects.toMatchObject({
          facts: { reason: expect.stringMatching(/already (allocated|in use)/) as string },
          retryable: false,
        });
        expect(bed.containers()).toEqual(['sidecar-one']);
      });
    }
  });
}

/** The server starts after its container does. */
async function whenServed<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { retryable?: boolean }).retryable !== true) throw error;
    }
  }
}
