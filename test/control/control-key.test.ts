import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlKey } from '../../src/control/control-key.js';

const server = 'https://sidecars.example';

describe('the key of this machine for a control plane', () => {
  let stateDir: string;
  beforeEach(async () => (stateDir = await mkdtemp(join(tmpdir(), 'sidecar-key-'))));
  afterEach(() => rm(stateDir, { recursive: true }));

  it('is made once, also where several want it at once', async () => {
    const keys = await Promise.all(Array.from({ length: 4 }, () => controlKey(stateDir, server)));
    expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
    expect(await controlKey(stateDir, server)).toEqual(keys[0]);
  });

  it('is another for another server', async () => {
    const [one, other] = await Promise.all([controlKey(stateDir, server), controlKey(stateDir, `${server}/2`)]);
    expect(one.publicKey).not.toBe(other.publicKey);
    expect(one.file).not.toBe(other.file);
  });

  it("is the user's alone, and the public half of what is kept", async () => {
    const { file, publicKey } = await controlKey(stateDir, server);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const parsed = ssh2.utils.parseKey(await readFile(file));
    if (parsed instanceof Error) throw parsed;
    expect(publicKey).toBe(`ssh-ed25519 ${parsed.getPublicSSH().toString('base64')}`);
  });

  it('is not made anew where the file holds something else', async () => {
    const { file } = await controlKey(stateDir, server);
    await writeFile(file, 'something else');
    await expect(controlKey(stateDir, server)).rejects.toMatchObject({ code: 'state.corrupt' });
    expect(await readFile(file, 'utf8')).toBe('something else');
  });
});
