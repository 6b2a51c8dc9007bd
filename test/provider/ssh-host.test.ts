import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { sshHostLocator, sshHostRecord } from '../../src/provider/ssh-host.js';
import { describeWith } from '../fakes/parts.js';
import { processEnded } from '../fakes/processes.js';

const blob = 'AAAAC3NzaC1lZDI1NTE5AAAAIDM2km7bjhTK37rcs4Zm5TEDyaBX9AlthvkZQcoxNg9N';

describe('sshHostRecord', () => {
  it('keeps the destination as the user gave it', () => {
    expect(sshHostRecord({ name: 'web', destination: 'ada@dev:2222' })).toEqual({
      name: 'web',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      hostKeys: [],
      provider: { kind: 'ssh', host: 'dev', user: 'ada', port: 2222 },
    });
  });

  it('keeps what else is known of the machine, the key without its comment', () => {
    const hostKey = ` ssh-ed25519 ${blob} root@dev\n`;
    const record = sshHostRecord({ name: 'web', destination: 'dev', identity: '/k', workdir: 'app', hostKey });
    expect(record).toMatchObject({
      workdir: 'app',
      hostKeys: [`ssh-ed25519 ${blob}`],
      provider: { kind: 'ssh', host: 'dev', identity: '/k' },
    });
  });

  it.each([
    ['a name', { name: 'Web' }],
    ['a destination', { destination: '-oProxyCommand=id' }],
    ['an identity that depends on the working directory', { identity: 'key' }],
    ['a host key without a type', { hostKey: blob }],
    ['a host key of another type than it says', { hostKey: `ssh-rsa ${blob}` }],
    ['a host key that is cut off', { hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA!' }],
    ['an empty host key', { hostKey: '' }],
  ])('refuses %s that cannot be', (_, change) => {
    expect(() => sshHostRecord({ name: 'web', destination: 'dev', ...change })).toThrow(/^usage\.invalid: /);
  });
});

describeWith(['ssh'], 'the commands of Match exec', () => {
  it.each([
    ['that go on by themselves', ''],
    ['that take no notice of a hang-up', "trap '' HUP TERM INT; "],
  ])('%s have ended when asking for the way is aborted', async (_which, trap) => {
    const homeDir = await mkdtemp(join(tmpdir(), 'sidecar-ssh-host-'));
    try {
      await mkdir(join(homeDir, '.ssh'));
      const script = join(homeDir, 'script');
      await writeFile(
        script,
        `${trap}sleep 1000 & echo $! > ${homeDir}/child; echo $$ > ${homeDir}/shell; wait; sleep 1000`,
      );
      await writeFile(join(homeDir, '.ssh', 'config'), `Match exec "/bin/sh ${script}"\nUser dev\n`);
      const controller = new AbortController();
      const locator = sshHostLocator({ env: { PATH: process.env['PATH'] }, homeDir });
      const asking = locator.target(sshHostRecord({ name: 'web', destination: 'web' }), { signal: controller.signal });
      const pids = await Promise.all(['child', 'shell'].map((name) => pidIn(join(homeDir, name))));
      const reason = new Error('stop');
      controller.abort(reason);
      await expect(asking).rejects.toBe(reason);
      await Promise.all(pids.map(processEnded));
    } finally {
      await rm(homeDir, { recursive: true });
    }
  });
});

async function pidIn(file: string): Promise<number> {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return Number(text);
    await systemClock.sleep(10);
  }
}

describe('the locator of an ssh host', () => {
  it('resolves the destination, and keeps to the keys of the sidecar', async () => {
    const homeDir = await mkdtemp(join(tmpdir(), 'sidecar-ssh-host-'));
    try {
      const hostKey = `ssh-ed25519 ${blob}`;
      const record = sshHostRecord({ name: 'web', destination: 'ada@192.0.2.1:2222', identity: '/k', hostKey });
      const locator = sshHostLocator({ env: { PATH: process.env['PATH'], HOME: homeDir }, homeDir });
      expect(await locator.target(record)).toMatchObject({
        host: '192.0.2.1',
        port: 2222,
        user: 'ada',
        hostKeys: [hostKey],
        identityFiles: ['/k'],
        identitiesOnly: true,
      });
    } finally {
      await rm(homeDir, { recursive: true });
    }
  });

  it('leaves the machine alone when the sidecar is deleted', async () => {
    const locator = sshHostLocator({ env: {}, homeDir: '/nowhere' });
    await locator.delete(sshHostRecord({ name: 'web', destination: 'dev' }));
  });
});
