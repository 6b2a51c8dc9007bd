import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkOpenssh, whyOpenssh, type Configured } from '../../../src/transport/openssh/choice.js';
import { describeWith } from '../../fakes/parts.js';
import { startAgent } from '../../fakes/ssh-agent.js';
import { certify } from '../../fakes/ssh-certificates.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';

let directory: string;
let plain: MadeKey;
let certified: MadeKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-choice-'));
  [plain, certified] = await Promise.all([makeKey(directory, 'id_plain'), makeKey(directory, 'id_certified')]);
  await certify(certified, { authority: plain, principal: 'somebody' });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Why, for these options and keys. */
function why(
  options: Readonly<Record<string, string>>,
  { identityFiles = [plain.path], identitiesOnly = false, agentSocket }: Partial<Configured['keys']> = {},
  env: NodeJS.ProcessEnv = {},
  revoked: { readonly revokedHostKeysFile?: string } = {},
): Promise<string | undefined> {
  const values = (name: string): string[] => (options[name] === undefined ? [] : [options[name]]);
  const keys = { identityFiles, identitiesOnly, ...(agentSocket === undefined ? {} : { agentSocket }) };
  return whyOpenssh({ values, keys, revoked: { alias: 'web', ...revoked }, env });
}

/** A klist that knows of a ticket, or of none. */
async function klist(status: number): Promise<NodeJS.ProcessEnv> {
  const bin = await mkdtemp(join(directory, 'bin-'));
  await writeFile(join(bin, 'klist'), `#!/bin/sh\nexit ${status}\n`);
  await chmod(join(bin, 'klist'), 0o755);
  return { PATH: [bin, process.env['PATH']].join(delimiter) };
}

describeWith(['ssh-keygen', 'ssh-agent', 'ssh-add'], "the user's own ssh connects", () => {
  it.each([
    ['certificatefile', '/somewhere/id-cert.pub', 'CertificateFile is configured'],
    ['pkcs11provider', '/usr/lib/opensc-pkcs11.so', 'PKCS11Provider is configured'],
    ['securitykeyprovider', '/usr/lib/sk.so', 'SecurityKeyProvider is configured'],
  ])('for %s', async (name, value, reason) => {
    expect(await why({ [name]: value })).toBe(reason);
  });

  it('for a key with a certificate next to it', async () => {
    const identityFiles = [plain.path, certified.path];
    expect(await why({}, { identityFiles })).toBe(`${certified.path} has a certificate`);
  });

  it('for a key on a security key, of which the public half tells', async () => {
    const path = join(directory, 'id_ed25519_sk');
    await writeFile(`${path}.pub`, 'sk-ssh-ed25519@openssh.com AAAA somebody@somewhere\n');
    expect(await why({}, { identityFiles: [path] })).toBe(`${path} is a key on a security key`);
    expect(await why({}, { identityFiles: [`${path}.pub`] })).toBe(`${path}.pub is a key on a security key`);
  });

  it('for a certificate in the agent, unless only the identity files count', async () => {
    const agent = await startAgent(directory);
    try {
      await agent.add(certified.path);
      const keys = { agentSocket: agent.socket };
      expect(await why({}, keys)).toBe('the ssh-agent holds a certificate: id_certified');
      expect(await why({}, { ...keys, identitiesOnly: true })).toBeUndefined();
    } finally {
      await agent.stop();
    }
  });

  it('for GSSAPI only with a ticket: distributions switch it on for everybody', async () => {
    const on = { gssapiauthentication: 'yes' };
    const reason = 'GSSAPIAuthentication is on, and there is a Kerberos ticket';
    expect(await why(on, {}, await klist(0))).toBe(reason);
    expect(await why(on, {}, await klist(1))).toBeUndefined();
    expect(await why(on, {}, { PATH: directory })).toBeUndefined();
    expect(await why({ gssapiauthentication: 'no' }, {}, await klist(0))).toBeUndefined();
  });

  it('for revoked host keys in a form that only OpenSSH can read', async () => {
    const [list, krl] = [join(directory, 'revoked'), join(directory, 'revoked.krl')];
    await writeFile(list, `# lost laptops\n\n${plain.line} web\n${certified.line}\n`);
    await promisify(execFile)('ssh-keygen', ['-q', '-k', '-f', krl, `${plain.path}.pub`]);
    expect(await why({}, {}, {}, { revokedHostKeysFile: list })).toBeUndefined();
    const reason = 'RevokedHostKeys is no list of public keys';
    expect(await why({}, {}, {}, { revokedHostKeysFile: krl })).toBe(reason);
    await expect(why({}, {}, {}, { revokedHostKeysFile: join(directory, 'missing') })).rejects.toMatchObject({
      code: 'ssh.config_invalid',
    });
  });

  it('for nothing else', async () => {
    const options = { certificatefile: 'none', pkcs11provider: 'none', securitykeyprovider: 'internal' };
    expect(await why(options)).toBeUndefined();
    expect(await why({}, { identityFiles: [join(directory, 'missing')] })).toBeUndefined();
  });

  it('but not on Windows, where asking for it is wrong usage', () => {
    expect(() => checkOpenssh(false)).toThrow('ControlMaster');
    expect(() => checkOpenssh(true)).not.toThrow();
  });
});
