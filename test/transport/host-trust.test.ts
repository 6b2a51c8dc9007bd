import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError, type Facts } from '../../src/errors.js';
import { hostKeyPolicy, type HostKeyVerdict } from '../../src/transport/host-trust.js';
import { fingerprint } from '../../src/transport/public-key.js';
import type { SshTarget } from '../../src/transport/target.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';

const run = promisify(execFile);

describeWith(['ssh-keygen'], 'host trust', () => {
  let directory: string;
  let knownHosts: string;
  let ed: MadeKey;
  let otherEd: MadeKey;
  let ecdsa: MadeKey;
  let rsa: MadeKey;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-host-trust-'));
    knownHosts = join(directory, 'known_hosts');
    [ed, otherEd, ecdsa, rsa] = await Promise.all([
      makeKey(directory, 'ed'),
      makeKey(directory, 'otherEd'),
      makeKey(directory, 'ecdsa', { type: 'ecdsa' }),
      makeKey(directory, 'rsa', { type: 'rsa', bits: 2048 }),
    ]);
  });
  afterAll(() => rm(directory, { recursive: true }));

  function target(overrides: Partial<SshTarget> = {}): SshTarget {
    return {
      alias: 'web',
      host: 'web.example.com',
      port: 22,
      user: 'dev',
      hostKeys: [],
      identityFiles: [],
      identitiesOnly: false,
      knownHostsFiles: [knownHosts],
      ...overrides,
    };
  }

  async function verdict(shown: MadeKey, lines: readonly string[], overrides: Partial<SshTarget> = {}) {
    await writeFile(knownHosts, lines.map((line) => `${line}\n`).join(''));
    return (await hostKeyPolicy(target(overrides))).verdict(shown.blob);
  }

  const print = (...keys: readonly MadeKey[]): string[] => keys.map(({ blob }) => fingerprint(blob));

  describe('of a sidecar with pinned keys', () => {
    it('accepts each of them', async () => {
      expect(await verdict(ed, [], { hostKeys: [rsa.line, ed.line] })).toEqual({ kind: 'pinned' });
      expect(await verdict(rsa, [], { hostKeys: [rsa.line, `${ed.line} a comment`] })).toEqual({ kind: 'pinned' });
    });

    it('refuses another key and names both fingerprints', async () => {
      expect(refusal(await verdict(otherEd, [], { hostKeys: [ed.line, rsa.line] }))).toEqual({
        code: 'ssh.host_key_changed',
        retryable: false,
        facts: {
          host: 'web',
          keyType: 'ssh-ed25519',
          expected: print(ed, rsa),
          actual: fingerprint(otherEd.blob),
          source: 'pin',
        },
      });
    });

    it('refuses a key of a type that is not pinned', async () => {
      const { code, facts } = refusal(await verdict(ecdsa, [], { hostKeys: [ed.line] }));
      expect({ code, keyType: facts['keyType'] }).toEqual({
        code: 'ssh.host_key_changed',
        keyType: 'ecdsa-sha2-nistp256',
      });
    });

    it('does not ask known_hosts, which knows the address and not the sidecar', async () => {
      const lines = [`web.example.com ${otherEd.line}`];
      expect(await verdict(ed, lines, { hostKeys: [ed.line] })).toEqual({ kind: 'pinned' });
      expect(refusal(await verdict(otherEd, lines, { hostKeys: [ed.line] })).facts['source']).toBe('pin');
    });

    it('refuses a pinned key that known_hosts revokes', async () => {
      const lines = ['# found on a laptop that was lost', `@revoked * ${ed.line}`];
      expect(refusal(await verdict(ed, lines, { hostKeys: [ed.line] }))).toEqual({
        code: 'ssh.host_key_revoked',
        retryable: false,
        facts: {
          host: 'web',
          keyType: 'ssh-ed25519',
          actual: fingerprint(ed.blob),
          source: `${knownHosts}:2`,
          file: knownHosts,
          line: 2,
        },
      });
    });

    it('fails on a pin that cannot be read, rather than trust the first key shown', async () => {
      await expect(hostKeyPolicy(target({ hostKeys: ['ssh-ed25519 broken'] }))).rejects.toMatchObject({
        code: 'ssh.config_invalid',
        facts: { host: 'web', reason: 'the pinned host key "ssh-ed25519 broken" cannot be read' },
      });
    });
  });

  describe('of a sidecar with no pinned key', () => {
    it('learns a key that known_hosts has for the host', async () => {
      expect(await verdict(rsa, [`web.example.com ${ed.line}`, `web.example.com ${rsa.line}`])).toEqual({
        kind: 'learn',
        source: 'known_hosts',
        line: rsa.line,
        keyType: 'ssh-rsa',
        fingerprint: fingerprint(rsa.blob),
      });
    });

    it('learns a key that known_hosts has under a hash', async () => {
      await writeFile(knownHosts, `web.example.com ${ed.line}\n`);
      await run('ssh-keygen', ['-q', '-H', '-f', knownHosts]);
      expect((await hostKeyPolicy(target())).verdict(ed.blob)).toMatchObject({ source: 'known_hosts' });
    });

    it('refuses a key that known_hosts does not have, and says where the expected one stands', async () => {
      const lines = [`web.example.com ${rsa.line}`, `other ${otherEd.line}`, `*.example.com ${ed.line}`];
      expect(refusal(await verdict(otherEd, lines))).toEqual({
        code: 'ssh.host_key_changed',
        retryable: false,
        facts: {
          host: 'web',
          keyType: 'ssh-ed25519',
          expected: print(rsa, ed),
          actual: fingerprint(otherEd.blob),
          source: `${knownHosts}:3`,
          file: knownHosts,
          line: 3,
        },
      });
    });

    it('refuses a key of another type than known_hosts has, as ssh does', async () => {
      expect(refusal(await verdict(ecdsa, [`web.example.com ${ed.line}`])).facts['source']).toBe(`${knownHosts}:1`);
    });

    it('trusts the first key of a host that known_hosts does not know', async () => {
      expect(await verdict(ed, [`elsewhere ${otherEd.line}`])).toEqual({
        kind: 'learn',
        source: 'first-use',
        line: ed.line,
        keyType: 'ssh-ed25519',
        fingerprint: fingerprint(ed.blob),
      });
    });

    it('trusts the first key where there is no known_hosts', async () => {
      const policy = await hostKeyPolicy(target({ knownHostsFiles: [join(directory, 'missing')] }));
      expect(policy.verdict(ed.blob)).toMatchObject({ kind: 'learn', source: 'first-use' });
    });

    it('refuses a revoked key that known_hosts has for the host all the same', async () => {
      const lines = [`web.example.com ${ed.line}`, `@revoked web.example.com ${ed.line}`];
      expect(refusal(await verdict(ed, lines)).code).toBe('ssh.host_key_revoked');
    });

    it('does not mind a key that is revoked for another host, or another key of this one', async () => {
      const lines = [`@revoked elsewhere ${ed.line}`, `@revoked web.example.com ${otherEd.line}`];
      expect(await verdict(ed, lines)).toMatchObject({ kind: 'learn', source: 'first-use' });
    });

    it('refuses a key that nobody knows where an authority is to vouch for the host', async () => {
      const lines = [`@cert-authority *.example.com ${rsa.line}`];
      const { code, facts } = refusal(await verdict(ed, lines));
      expect({ code, facts }).toMatchObject({
        code: 'ssh.host_key_changed',
        facts: { expected: print(rsa), source: `${knownHosts}:1`, authority: true },
      });
      expect(await verdict(ed, [...lines, `web.example.com ${ed.line}`])).toMatchObject({ source: 'known_hosts' });
      expect(await verdict(ed, lines, { hostKeys: [ed.line] })).toEqual({ kind: 'pinned' });
    });

    it('passes over certificate authorities of other hosts and keys of types that it cannot negotiate', async () => {
      const sk = 'sk-ssh-ed25519@openssh.com';
      const blob = Buffer.concat([sk, 'key', 'ssh:'].map(wireString));
      const lines = [`@cert-authority elsewhere ${rsa.line}`, `web.example.com ${sk} ${blob.toString('base64')}`];
      expect(await verdict(ed, lines)).toMatchObject({ kind: 'learn', source: 'first-use' });
    });
  });

  describe('of a user who wants every key to be known', () => {
    const strict = { firstUseRefusedBy: 'StrictHostKeyChecking yes' };

    it('refuses the first key of a host that nobody knows, and names it', async () => {
      expect(refusal(await verdict(ed, [`elsewhere ${ed.line}`], strict))).toEqual({
        ...{ code: 'ssh.host_key_unknown', retryable: false },
        facts: {
          ...{ host: 'web', keyType: 'ssh-ed25519', actual: fingerprint(ed.blob) },
          rule: 'StrictHostKeyChecking yes',
        },
      });
    });

    it('accepts one that known_hosts has, also under the bare name, and one that is pinned', async () => {
      const lines = [`web.example.com ${ed.line}`];
      expect(await verdict(ed, lines, strict)).toMatchObject({ kind: 'learn', source: 'known_hosts' });
      expect(await verdict(ed, lines, { ...strict, port: 2222 })).toMatchObject({ source: 'known_hosts' });
      expect(await verdict(ed, [], { ...strict, hostKeys: [ed.line] })).toEqual({ kind: 'pinned' });
    });
  });

  describe('of RevokedHostKeys', () => {
    it('refuses a key in that list, also one that is pinned or known', async () => {
      const revokedHostKeysFile = join(directory, 'revoked');
      await writeFile(revokedHostKeysFile, `# lost\n\n  ${rsa.line}\n${ed.line} web\n`);
      const place = { source: `${revokedHostKeysFile}:4`, file: revokedHostKeysFile, line: 4 };
      const lines = [`web.example.com ${ed.line}`];
      for (const more of [{}, { hostKeys: [ed.line] }]) {
        const { code, facts } = refusal(await verdict(ed, lines, { revokedHostKeysFile, ...more }));
        expect({ code, facts }).toMatchObject({ code: 'ssh.host_key_revoked', facts: place });
      }
      expect(await verdict(otherEd, [], { revokedHostKeysFile })).toMatchObject({ source: 'first-use' });
    });

    it('refuses every host where that file cannot be read, as ssh does', async () => {
      const revokedHostKeysFile = join(directory, 'missing');
      const openssh = { arguments: [], env: {}, why: 'asked for' };
      for (const more of [{}, { openssh }]) {
        await expect(verdict(ed, [], { revokedHostKeysFile, ...more })).rejects.toMatchObject({
          ...{ code: 'ssh.config_invalid', retryable: false },
          facts: { host: 'web', reason: expect.stringContaining(revokedHostKeysFile) as string },
        });
      }
    });

    it('leaves a list that only OpenSSH can read to it, and is refused without it', async () => {
      const revokedHostKeysFile = join(directory, 'revoked.krl');
      await run('ssh-keygen', ['-q', '-k', '-f', revokedHostKeysFile, `${ed.path}.pub`]);
      await expect(verdict(ed, [], { revokedHostKeysFile })).rejects.toMatchObject({
        ...{ code: 'ssh.config_invalid', retryable: false },
        facts: { reason: expect.stringContaining('--transport openssh') as string },
      });
      const openssh = { arguments: [], env: {}, why: 'asked for' };
      expect(await verdict(ed, [], { revokedHostKeysFile, openssh })).toMatchObject({ kind: 'learn' });
    });
  });

  describe('looks the host up', () => {
    const port2222 = { port: 2222 };

    it('by its name with a port other than 22', async () => {
      const lines = [`[web.example.com]:2222 ${ed.line}`, `web.example.com ${otherEd.line}`];
      expect(await verdict(ed, lines, port2222)).toMatchObject({ source: 'known_hosts' });
      expect(refusal(await verdict(otherEd, lines, port2222)).facts['source']).toBe(`${knownHosts}:1`);
    });

    it('by its bare name after that: good enough to know a key, not to alarm', async () => {
      const lines = [`web.example.com ${ed.line}`];
      expect(await verdict(ed, lines, port2222)).toMatchObject({ kind: 'learn', source: 'known_hosts' });
      expect(await verdict(otherEd, lines, port2222)).toMatchObject({ kind: 'learn', source: 'first-use' });
    });

    it('by its bare name for revoked keys', async () => {
      expect(refusal(await verdict(ed, [`@revoked web.example.com ${ed.line}`], port2222)).code).toBe(
        'ssh.host_key_revoked',
      );
    });

    it('only by its HostKeyAlias where it has one, whatever the port', async () => {
      const lines = [`[web.example.com]:2222 ${otherEd.line}`, `fleet ${ed.line}`];
      const overrides = { ...port2222, hostKeyAlias: 'fleet' };
      expect(await verdict(ed, lines, overrides)).toMatchObject({ source: 'known_hosts' });
      expect(refusal(await verdict(otherEd, lines, overrides)).facts['source']).toBe(`${knownHosts}:2`);
    });
  });

  describe('offers', () => {
    async function offered(lines: readonly string[], overrides: Partial<SshTarget> = {}) {
      await writeFile(knownHosts, lines.join('\n'));
      return (await hostKeyPolicy(target(overrides))).preferredAlgorithms;
    }

    it('the algorithms of pinned keys first, then all others', async () => {
      expect(await offered([`web.example.com ${ed.line}`], { hostKeys: [rsa.line, ecdsa.line] })).toEqual([
        'rsa-sha2-512',
        'rsa-sha2-256',
        'ssh-rsa',
        'ecdsa-sha2-nistp256',
        'ssh-ed25519',
        'ecdsa-sha2-nistp384',
        'ecdsa-sha2-nistp521',
      ]);
    });

    it('the algorithms of the keys in known_hosts first', async () => {
      expect((await offered([`web.example.com ${ecdsa.line}`]))?.[0]).toBe('ecdsa-sha2-nistp256');
      expect((await offered([`web.example.com ${rsa.line}`], { port: 2222 }))?.[0]).toBe('rsa-sha2-512');
    });

    it('no order of its own for a host that nobody knows', async () => {
      expect(await offered([`elsewhere ${ed.line}`, `@revoked * ${rsa.line}`])).toBeUndefined();
    });

    it('exactly the algorithms that ssh2 offers by itself', async () => {
      const constants = createRequire(import.meta.url)('ssh2/lib/protocol/constants.js') as {
        readonly DEFAULT_SERVER_HOST_KEY: readonly string[];
      };
      expect(await offered([], { hostKeys: [ed.line] })).toEqual(constants.DEFAULT_SERVER_HOST_KEY);
    });
  });
});

function refusal(verdict: HostKeyVerdict): { code: string; facts: Facts; retryable: boolean | undefined } {
  expect(verdict.kind).toBe('refused');
  const error = verdict.kind === 'refused' ? verdict.error : undefined;
  expect(error).toBeInstanceOf(SidecarError);
  return { code: error?.code ?? '', facts: error?.facts ?? {}, retryable: error?.retryable };
}

function wireString(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}
