import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sshHostLocator, sshHostRecord } from '../../src/provider/ssh-host.js';

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
