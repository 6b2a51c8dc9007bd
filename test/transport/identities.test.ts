import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ParsedKey } from 'ssh2';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { loadIdentities, type Identities, type IdentityAttempt } from '../../src/transport/identities.js';
import type { AskPassphrase } from '../../src/transport/passphrase.js';
import { fingerprint } from '../../src/transport/public-key.js';
import type { SshTarget } from '../../src/transport/target.js';
import { describeWith } from '../fakes/parts.js';
import { startAgent, type RunningAgent } from '../fakes/ssh-agent.js';
import { makeKey, type KeyOptions, type MadeKey } from '../fakes/ssh-keys.js';

const run = promisify(execFile);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-identities-'));
  return () => rm(directory, { recursive: true });
});

const make = (name: string, options: KeyOptions = {}): Promise<MadeKey> => makeKey(directory, name, options);

function load(
  keys: Pick<SshTarget, 'identityFiles'> & Partial<Pick<SshTarget, 'identitiesOnly' | 'agentSocket'>>,
  askPassphrase?: AskPassphrase,
): Promise<Identities> {
  const target = { alias: 'web', host: 'web', port: 22, user: 'dev', hostKeys: [], knownHostsFiles: [] };
  return loadIdentities({ target: { ...target, identitiesOnly: false, ...keys }, askPassphrase });
}

/** Asks the one key of an attempt to sign, as ssh2 does once the server accepted it. */
function sign({ agent }: IdentityAttempt): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((_error, [key] = []) => {
      if (key === undefined) throw new Error('the agent holds no key');
      agent.sign(key as ParsedKey, Buffer.from('to be signed'), {}, (error, signature) => {
        if (signature === undefined) reject(error ?? new Error('no signature'));
        else resolve(signature);
      });
    });
  });
}

function only({ attempts }: Identities): IdentityAttempt {
  const [attempt] = attempts;
  if (attempt === undefined || attempts.length > 1) throw new Error(`${attempts.length} attempts instead of one`);
  return attempt;
}

const offered = ({ attempts }: Identities): string[] => attempts.map(({ description }) => description);

/** Answers one after the other and notes the questions. */
function answering(...answers: readonly (string | undefined)[]) {
  const questions: { path: string; retry: boolean }[] = [];
  const ask: AskPassphrase = (path, retry) => {
    questions.push({ path, retry });
    return Promise.resolve(answers[questions.length - 1]);
  };
  return { ask, questions };
}

describeWith(['ssh-keygen'], 'identity files', () => {
  it('are offered in their order, each once, with the fingerprint', async () => {
    const [first, second] = await Promise.all([make('first'), make('second', { type: 'ecdsa' })]);
    await copyFile(first.path, join(directory, 'copy'));
    const identities = await load({ identityFiles: [first.path, second.path, join(directory, 'copy')] });
    expect(identities.attempts).toMatchObject([
      { description: first.path, fingerprint: fingerprint(first.blob) },
      { description: second.path, fingerprint: fingerprint(second.blob) },
    ]);
  });

  it('that cannot be used are passed over, with the reason', async () => {
    const good = await make('good');
    const exposed = await make('exposed');
    await chmod(exposed.path, 0o640);
    const junk = join(directory, 'junk');
    await writeFile(junk, 'hello');
    const missing = join(directory, 'missing');
    const identities = await load({ identityFiles: [missing, directory, junk, exposed.path, good.path] });
    expect(offered(identities)).toEqual([good.path]);
    expect(identities.unsupported).toEqual([
      `${missing} (no such file)`,
      `${directory} (not a file)`,
      `${junk} (Unsupported key format)`,
      `${exposed.path} (readable by others: run chmod 600 '${exposed.path}')`,
    ]);
  });

  it('that are the only ones allowed and cannot be used are an error', async () => {
    const exposed = await make('exposed');
    await chmod(exposed.path, 0o604);
    const missing = join(directory, 'missing');
    await expect(load({ identityFiles: [exposed.path], identitiesOnly: true })).rejects.toMatchObject({
      code: 'ssh.key_unusable',
      retryable: false,
      facts: { path: exposed.path, reason: `readable by others: run chmod 600 '${exposed.path}'` },
    });
    await expect(load({ identityFiles: [missing], identitiesOnly: true })).rejects.toMatchObject({
      code: 'ssh.key_unusable',
      facts: { path: missing, reason: 'no such file' },
    });
  });

  it('may be missing under identitiesOnly as long as one is there', async () => {
    const good = await make('good');
    const identityFiles = [join(directory, 'missing'), good.path];
    expect(offered(await load({ identityFiles, identitiesOnly: true }))).toEqual([good.path]);
  });

  it('with a certificate next to them are offered without it, and it is named', async () => {
    const key = await make('key');
    await writeFile(`${key.path}-cert.pub`, '');
    const identities = await load({ identityFiles: [key.path] });
    expect(offered(identities)).toEqual([key.path]);
    expect(identities.unsupported).toEqual([`${key.path}-cert.pub (a certificate)`]);
  });
});

describeWith(['ssh-keygen'], 'an encrypted identity file', () => {
  const passphrase = 'open sesame';

  it('is locked where there is nobody to ask', async () => {
    const [key, plain] = await Promise.all([make('key', { passphrase }), make('plain')]);
    const identities = await load({ identityFiles: [key.path, plain.path] });
    expect(offered(identities)).toEqual([plain.path]);
    expect(identities.lockedFiles).toEqual([key.path]);
    expect(identities.unsupported).toEqual([]);
  });

  it('is an error where there is nobody to ask and no other key is allowed', async () => {
    const key = await make('key', { passphrase });
    await expect(load({ identityFiles: [key.path], identitiesOnly: true })).rejects.toMatchObject({
      code: 'ssh.passphrase_needed',
      retryable: false,
      facts: { path: key.path },
    });
  });

  it('asks for its passphrase when it is to sign, and never again', async () => {
    const key = await make('key', { passphrase });
    const { ask, questions } = answering(passphrase);
    const attempt = only(await load({ identityFiles: [key.path] }, ask));
    expect(attempt.fingerprint).toBe(fingerprint(key.blob));
    expect(questions).toEqual([]);
    await Promise.all([sign(attempt), sign(attempt)]);
    await sign(attempt);
    expect(questions).toEqual([{ path: key.path, retry: false }]);
  });

  it('asks again after a wrong passphrase', async () => {
    const key = await make('key', { passphrase });
    const { ask, questions } = answering('wrong', 'wrong again', passphrase);
    await sign(only(await load({ identityFiles: [key.path] }, ask)));
    expect(questions.map(({ retry }) => retry)).toEqual([false, true, true]);
  });

  it('is unusable after three wrong ones, and asks no more', async () => {
    const key = await make('key', { passphrase });
    const { ask, questions } = answering('wrong', 'wrong', 'wrong', passphrase);
    const attempt = only(await load({ identityFiles: [key.path] }, ask));
    const unusable = {
      code: 'ssh.key_unusable',
      retryable: false,
      facts: { path: key.path, reason: 'the passphrase was wrong 3 times' },
    };
    await expect(sign(attempt)).rejects.toMatchObject(unusable);
    await expect(sign(attempt)).rejects.toMatchObject(unusable);
    expect(questions).toHaveLength(3);
  });

  it.each([undefined, ''])('stays locked when the answer is %j', async (answer) => {
    const key = await make('key', { passphrase });
    const { ask, questions } = answering(answer);
    const attempt = only(await load({ identityFiles: [key.path] }, ask));
    await expect(sign(attempt)).rejects.toMatchObject({ code: 'ssh.passphrase_needed', facts: { path: key.path } });
    expect(questions).toHaveLength(1);
  });

  it('in PEM format asks at once, because it does not tell its public half', async () => {
    const key = await make('key', { type: 'ecdsa', format: 'PEM', passphrase });
    await rm(`${key.path}.pub`);
    const { ask, questions } = answering(passphrase);
    const attempt = only(await load({ identityFiles: [key.path] }, ask));
    expect(attempt.fingerprint).toBe(fingerprint(key.blob));
    await sign(attempt);
    expect(questions).toHaveLength(1);
  });

  it('in PEM format is passed over when nobody can open it', async () => {
    const key = await make('key', { type: 'ecdsa', format: 'PEM', passphrase });
    await rm(`${key.path}.pub`);
    const identityFiles = [key.path];
    expect((await load({ identityFiles }, answering(undefined).ask)).lockedFiles).toEqual([key.path]);
    expect((await load({ identityFiles }, answering('wrong', 'wrong', 'wrong').ask)).unsupported).toEqual([
      `${key.path} (the passphrase was wrong 3 times)`,
    ]);
  });

  it('in PEM format with a public key next to it asks when it is to sign', async () => {
    const key = await make('key', { type: 'ecdsa', format: 'PEM', passphrase });
    const { ask, questions } = answering(passphrase);
    const attempt = only(await load({ identityFiles: [key.path] }, ask));
    expect(questions).toEqual([]);
    await sign(attempt);
    expect(questions).toHaveLength(1);
  });

  it('is unusable when the public key next to it is of another key', async () => {
    const [key, other] = await Promise.all([make('key', { type: 'ecdsa', format: 'PEM', passphrase }), make('other')]);
    await copyFile(`${other.path}.pub`, `${key.path}.pub`);
    const attempt = only(await load({ identityFiles: [key.path] }, answering(passphrase).ask));
    await expect(sign(attempt)).rejects.toMatchObject({
      code: 'ssh.key_unusable',
      facts: { path: key.path, reason: `${key.path}.pub belongs to another key` },
    });
  });
});

describeWith(['ssh-keygen', 'ssh-agent', 'ssh-add'], 'the keys of an agent', () => {
  let agentDirectory: string;
  let agent: RunningAgent;
  beforeAll(async () => {
    agentDirectory = await mkdtemp(join(tmpdir(), 'sidecar-agent-'));
    agent = await startAgent(agentDirectory);
  });
  afterAll(async () => {
    await agent.stop();
    await rm(agentDirectory, { recursive: true });
  });
  beforeEach(() => agent.add('-D'));

  async function makeHeld(name: string, options: KeyOptions = {}): Promise<MadeKey> {
    const key = await make(name, options);
    await agent.add(key.path);
    return key;
  }

  it('come after the identity files, but those of them that it holds come first of all', async () => {
    const [other, held, file] = [await makeHeld('other'), await makeHeld('held'), await make('file')];
    await rm(other.path);
    const identities = await load({ identityFiles: [file.path, held.path], agentSocket: agent.socket });
    expect(offered(identities)).toEqual(['agent: held', file.path, 'agent: other']);
    await Promise.all(identities.attempts.map(sign));
  });

  it('are only those of the identity files under identitiesOnly', async () => {
    await makeHeld('other');
    const [held, file] = [await makeHeld('held'), await make('file')];
    const identityFiles = [file.path, held.path];
    const identities = await load({ identityFiles, identitiesOnly: true, agentSocket: agent.socket });
    expect(offered(identities)).toEqual(['agent: held', file.path]);
  });

  it('need no passphrase for the file that it holds', async () => {
    const key = await make('key');
    await agent.add(key.path);
    await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-a', '1', '-f', key.path]);
    const attempt = only(await load({ identityFiles: [key.path], identitiesOnly: true, agentSocket: agent.socket }));
    await sign(attempt);
  });

  it('are used for a file that others can read, which is not used itself', async () => {
    const held = await makeHeld('held');
    await chmod(held.path, 0o644);
    expect(offered(await load({ identityFiles: [held.path], agentSocket: agent.socket }))).toEqual(['agent: held']);
  });

  it('are found by a public key alone', async () => {
    const [held, absent] = [await makeHeld('held'), await make('absent')];
    await Promise.all([rm(held.path), rm(absent.path)]);
    const byPublicKey = { identityFiles: [`${held.path}.pub`], identitiesOnly: true, agentSocket: agent.socket };
    expect(offered(await load(byPublicKey))).toEqual(['agent: held']);
    expect(offered(await load({ ...byPublicKey, identityFiles: [held.path] }))).toEqual(['agent: held']);
    await expect(load({ ...byPublicKey, identityFiles: [`${absent.path}.pub`] })).rejects.toMatchObject({
      code: 'ssh.key_unusable',
      facts: { reason: 'this is a public key, and no ssh-agent holds its private half' },
    });
  });

  it('are nothing to wait for where the agent is gone', async () => {
    const file = await make('file');
    const agentSocket = join(directory, 'gone');
    const identities = await load({ identityFiles: [file.path], agentSocket });
    expect(offered(identities)).toEqual([file.path]);
    expect(identities.unsupported).toEqual([`ssh-agent at ${agentSocket} (Failed to connect to agent)`]);
  });
});
