import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configuredServer } from '../../src/control/server.js';
import { Logins } from '../../src/control/tokens/logins.js';

describe('the server that is meant', () => {
  let place: string;
  beforeEach(async () => (place = await mkdtemp(join(tmpdir(), 'sidecar-server-'))));
  afterEach(() => rm(place, { recursive: true }));

  const chosen = (flag?: string, env: NodeJS.ProcessEnv = {}): Promise<string> =>
    configuredServer({ flag, env, configDir: place, stateDir: place });
  const login = (server: string): Promise<void> => new Logins(place).set(server, { storage: 'file' });

  it('is that of the flag, else of the environment, else of config.json, else the only one logged in to', async () => {
    await login('https://known.example');
    expect(await chosen()).toBe('https://known.example');
    await writeFile(join(place, 'config.json'), '{"server": "https://file.example/"}');
    expect(await chosen()).toBe('https://file.example');
    const env = { SIDECAR_SERVER: 'https://variable.example/base/' };
    expect(await chosen(undefined, env)).toBe('https://variable.example/base');
    expect(await chosen('http://127.0.0.1:8080', env)).toBe('http://127.0.0.1:8080');
  });

  it('is told to be missing where none is named', async () => {
    await expect(chosen(undefined, { SIDECAR_SERVER: '' })).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  it('is not guessed where there are several', async () => {
    await login('https://one.example');
    await login('https://two.example');
    const reason = 'which control plane? https://one.example, https://two.example';
    await expect(chosen()).rejects.toMatchObject({ code: 'usage.invalid', facts: { reason } });
  });

  it('is kept without what stands behind its path', async () => {
    expect(await chosen('https://one.example/team/?')).toBe('https://one.example/team');
    expect(await chosen('https://one.example/#')).toBe('https://one.example');
  });

  it('is not told where it may hold a password', async () => {
    await expect(chosen('https://me:secret@one.example:99999')).rejects.not.toMatchObject({
      facts: { reason: expect.stringContaining('secret') as string },
    });
  });

  it.each(['http://elsewhere.example', 'ftp://one.example', 'https://me:secret@one.example', 'one.example'])(
    'is never %s',
    async (address) => {
      await expect(chosen(address)).rejects.toMatchObject({ code: 'usage.invalid' });
      await expect(chosen(undefined, { SIDECAR_SERVER: address })).rejects.toMatchObject({ code: 'usage.invalid' });
    },
  );
});
