import { mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chooseStorage, storageOf } from '../../../src/control/tokens/choose-storage.js';
import { fileStorage } from '../../../src/control/tokens/file-storage.js';
import { keyringStorage, type OpenKeyringEntry } from '../../../src/control/tokens/keyring.js';
import type { TokenStorage } from '../../../src/control/tokens/storage.js';
import { fakeKeyring, noKeyring, startHungBus, startKeyring, type RealKeyring } from '../../fakes/keyring.js';
import { describeWith } from '../../fakes/parts.js';

let stateDir: string;
beforeEach(async () => (stateDir = await mkdtemp(join(tmpdir(), 'sidecar-storage-'))));
afterEach(() => rm(stateDir, { recursive: true }));

function keeps(open: () => TokenStorage): void {
  const server = 'https://sidecars.example/base';

  it('gives back what it was given, and the newer of two', async () => {
    const storage = open();
    await storage.write(server, '{"accessToken": "first"}');
    await storage.write(server, '{"accessToken": "second", "name": "Ægir"}');
    expect(await open().read(server)).toBe('{"accessToken": "second", "name": "Ægir"}');
    await storage.remove(server);
  });

  it('keeps servers apart', async () => {
    const storage = open();
    await storage.write(server, 'one');
    await storage.write(`${server}/2`, 'two');
    expect([await storage.read(server), await storage.read(`${server}/2`)]).toEqual(['one', 'two']);
    await Promise.all([storage.remove(server), storage.remove(`${server}/2`)]);
  });

  it('holds nothing that was removed, and removes nothing gladly', async () => {
    const storage = open();
    await storage.write(server, 'one');
    await storage.remove(server);
    expect(await storage.read(server)).toBeUndefined();
    await storage.remove(server);
  });

  it('keeps what is as long as tokens are', async () => {
    const storage = open();
    const text = 'x'.repeat(16 * 1024);
    await storage.write(server, text);
    expect(await storage.read(server)).toBe(text);
    await storage.remove(server);
  });
}

describe('a session kept in a file', () => {
  keeps(() => fileStorage(stateDir));

  it("is the user's alone", async () => {
    await fileStorage(stateDir).write('https://one.example', 'secret');
    const [name = ''] = await readdir(join(stateDir, 'tokens'));
    expect((await stat(join(stateDir, 'tokens', name))).mode & 0o777).toBe(0o600);
    expect((await stat(join(stateDir, 'tokens'))).mode & 0o777).toBe(0o700);
  });
});

describe('a session kept in a keyring in memory', () => {
  const { open } = fakeKeyring();
  keeps(() => keyringStorage({ env: {}, stateDir, openKeyring: open }));

  it('is found by the server and the state directory, however that is written', async () => {
    const { open, held } = fakeKeyring();
    const storage = (at: string) => keyringStorage({ env: {}, stateDir: at, openKeyring: open });
    await storage(stateDir).write('https://one.example', 'one');
    const link = join(stateDir, 'link');
    await symlink(stateDir, link);
    expect(await storage(`${link}/`).read('https://one.example')).toBe('one');
    expect([...held.keys()]).toEqual([expect.stringMatching(/^https:\/\/one\.example \(state [0-9a-f]{8}\)$/)]);
  });

  it('is another one for another state directory', async () => {
    const { open } = fakeKeyring();
    const other = join(stateDir, 'other');
    await mkdir(other);
    const [one, two] = [stateDir, other].map((at) => keyringStorage({ env: {}, stateDir: at, openKeyring: open }));
    await one?.write('https://one.example', 'one');
    expect(await two?.read('https://one.example')).toBeUndefined();
    await two?.write('https://one.example', 'two');
    await two?.remove('https://one.example');
    expect(await one?.read('https://one.example')).toBe('one');
  });
});

describeWith(['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon'], 'a session kept in a real keyring', () => {
  let keyring: RealKeyring;
  beforeAll(async () => {
    keyring = await startKeyring();
  });
  afterAll(() => {
    keyring[Symbol.dispose]();
  });
  keeps(() => keyringStorage({ ...keyring, stateDir }));
});

describe('a keyring whose message bus never says anything', () => {
  it('is an error after 3 s, and nobody waits for it any more', async () => {
    await using bus = await startHungBus();
    const reading = keyringStorage({ ...bus, stateDir }).read('https://one.example');
    reading.catch(() => undefined);
    const { gone } = await bus.connected();
    await expect(reading).rejects.toMatchObject({
      code: 'login.storage',
      facts: { storage: 'keyring', reason: 'it does not answer within 3 s' },
    });
    await gone;
  });

  it('is left alone at once on Ctrl-C', async () => {
    await using bus = await startHungBus();
    const interrupted = new AbortController();
    const reading = keyringStorage({ ...bus, stateDir }).read('https://one.example', interrupted.signal);
    reading.catch(() => undefined);
    const { gone } = await bus.connected();
    const reason = new Error('Ctrl-C');
    interrupted.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await gone;
  });
});

describe('where a new session is kept', () => {
  const choose = (openKeyring: OpenKeyringEntry, wanted = '') =>
    chooseStorage({ env: { SIDECAR_TOKEN_STORAGE: wanted }, stateDir, openKeyring });

  it('is the keyring, in which the trial leaves nothing', async () => {
    const { open, held } = fakeKeyring();
    expect(await choose(open)).toMatchObject({ storage: { kind: 'keyring' }, noKeyring: undefined });
    expect(held.size).toBe(0);
  });

  it('is a file where there is no keyring, and why is told', async () => {
    const chosen = await choose(noKeyring);
    const absent = { why: 'absent', reason: 'Platform failure: no DBus' };
    expect(chosen).toMatchObject({ storage: { kind: 'file' }, noKeyring: absent });
    expect(await readdir(join(stateDir, 'tokens'))).toEqual([]);
  });

  it('is no file where the keyring is locked', async () => {
    await expect(choose(fakeKeyring({ locked: true }).open)).rejects.toMatchObject({
      code: 'login.storage',
      facts: { storage: 'keyring', reason: expect.stringContaining('dismissed') as string },
    });
  });

  it('is no keyring that loses what it is given', async () => {
    const entry = {
      getPassword: () => Promise.resolve(undefined),
      setPassword: () => Promise.resolve(),
      deletePassword: () => Promise.resolve(),
      close: () => undefined,
    };
    await expect(choose(() => Promise.resolve(entry))).rejects.toMatchObject({ code: 'login.storage' });
  });

  it('is no keyring that takes less than a session, in which the trial leaves nothing', async () => {
    const { open, held } = fakeKeyring({ mostBytes: 2_560 });
    const reason = 'it does not keep 8 KB, which a session may be (password is longer than 2560)';
    expect(await choose(open)).toMatchObject({ storage: { kind: 'file' }, noKeyring: { why: 'too small', reason } });
    const facts = { bytes: 8_192, reason };
    await expect(choose(open, 'keyring')).rejects.toMatchObject({ code: 'login.storage', facts });
    expect(held.size).toBe(0);
  });

  it('is no file where the keyring locks itself during the trial', async () => {
    let asked = 0;
    const entry = {
      getPassword: () => Promise.resolve(undefined),
      setPassword: () => ((asked += 1) === 1 ? Promise.resolve() : Promise.reject(new Error('it is locked'))),
      deletePassword: () => Promise.resolve(),
      close: () => undefined,
    };
    const facts = { storage: 'keyring', reason: 'it is locked' };
    await expect(choose(() => Promise.resolve(entry))).rejects.toMatchObject({ code: 'login.storage', facts });
  });

  it('is no keyring that is asked again once it has said no', async () => {
    const asked: string[] = [];
    const refuse = (call: string) => () => {
      asked.push(call);
      return Promise.reject(new Error('dismissed'));
    };
    const entry = {
      ...{ getPassword: refuse('get'), setPassword: refuse('set'), deletePassword: refuse('delete') },
      close: () => undefined,
    };
    await expect(choose(() => Promise.resolve(entry))).rejects.toMatchObject({ code: 'login.storage' });
    expect(asked).toEqual(['set']);
  });

  it('is no keyring that does not answer', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const entry = { getPassword: never, setPassword: never, deletePassword: never, close: () => undefined };
    await expect(choose(() => Promise.resolve(entry))).rejects.toMatchObject({
      code: 'login.storage',
      facts: { reason: 'it does not answer within 3 s' },
    });
  });

  it('is what the user says', async () => {
    expect(await choose(fakeKeyring().open, 'file')).toMatchObject({ storage: { kind: 'file' }, noKeyring: undefined });
    expect(await choose(fakeKeyring({ locked: true }).open, 'file')).toMatchObject({ storage: { kind: 'file' } });
    const facts = { storage: 'keyring', absent: true };
    await expect(choose(noKeyring, 'keyring')).rejects.toMatchObject({ code: 'login.storage', facts });
    await expect(choose(noKeyring, 'memory')).rejects.toMatchObject({ code: 'settings.invalid' });
  });
});

it('a session that is in the keyring is not looked for elsewhere when that is gone', async () => {
  const storage = storageOf('keyring', { env: {}, stateDir, openKeyring: noKeyring });
  await expect(storage.read('https://one.example')).rejects.toMatchObject({ code: 'login.storage' });
});
