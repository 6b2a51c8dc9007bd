import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SshLog } from '../../../src/transport/openssh/log.js';
import { loginError } from '../../../src/transport/openssh/login-error.js';
import { describeWith } from '../../fakes/parts.js';
import { targetFor } from '../../fakes/ssh-client.js';
import { makeKey } from '../../fakes/ssh-keys.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-login-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describeWith(['ssh-keygen'], 'a refused login with a locked key', () => {
  it.each([
    ['nobody who could be asked', { SSH_ASKPASS: '/bin/askpass' }, 'ssh.passphrase_needed', {}],
    [
      'no program with which to ask',
      undefined,
      'ssh.key_unusable',
      { reason: expect.stringContaining('no program can be run') as string },
    ],
  ])('is that of a key for which there is %s', async (what, environment, code, facts) => {
    const { path } = await makeKey(directory, what.replaceAll(' ', '_'), { passphrase: 'secret' });
    const log = new SshLog('/nowhere');
    const asking = { asked: [], environment };
    const error = await loginError(targetFor({ port: 22, keys: [path] }), { log, asking, canAsk: false });
    expect(error).toMatchObject({ code, retryable: false, facts: { path, ...facts } });
  });
});
