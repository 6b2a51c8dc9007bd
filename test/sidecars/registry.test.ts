import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { sampleMade, sampleRecord } from './sample-record.js';

const keyOne = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDM2km7bjhTK37rcs4Zm5TEDyaBX9AlthvkZQcoxNg9N';
const keyTwo = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIuMOQvtfLrZ6PBYbukJs4aJpIk9e8pS+iG4TsMDcMe0';

describe('Registry', () => {
  let stateDir: string;
  const open = (): Registry => new Registry(registryStore(stateDir));
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-registry-'));
  });
  afterEach(() => rm(stateDir, { recursive: true }));

  it('is empty at first', async () => {
    expect(await open().list()).toEqual([]);
  });

  it('keeps records, in the order of their names', async () => {
    await open().add(sampleRecord('web'));
    await open().add(sampleRecord('api', { workdir: '/srv/app', provider: sampleMade }));
    expect((await open().list()).map(({ name }) => name)).toEqual(['api', 'web']);
    expect(await open().get('api')).toEqual(sampleRecord('api', { workdir: '/srv/app', provider: sampleMade }));
  });

  it('keeps them where only the user can read them', async () => {
    await open().add(sampleRecord('web'));
    expect((await stat(join(stateDir, 'sidecars.json'))).mode & 0o777).toBe(0o600);
  });

  it('names what is known when asked for what is not', async () => {
    await open().add(sampleRecord('web'));
    await open().add(sampleRecord('api'));
    const unknown = { code: 'sidecar.unknown', facts: { name: 'dev', known: ['api', 'web'] } };
    await expect(open().get('dev')).rejects.toMatchObject(unknown);
    await expect(open().remove('dev')).rejects.toMatchObject(unknown);
    await expect(open().update('dev', (record) => record)).rejects.toMatchObject(unknown);
  });

  it('refuses a second sidecar of one name, and keeps the first', async () => {
    await open().add(sampleRecord('web'));
    const second = open().add(sampleRecord('web', { workdir: '/other' }));
    await expect(second).rejects.toMatchObject({ code: 'sidecar.exists', facts: { name: 'web' } });
    expect(await open().get('web')).toEqual(sampleRecord('web'));
  });

  it('refuses a name that could lead out of the state directory', async () => {
    await expect(open().add(sampleRecord('../web'))).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  it('changes a record, and never its name', async () => {
    await open().add(sampleRecord('web'));
    const changed = await open().update('web', (record) => ({ ...record, name: 'api', workdir: '/srv' }));
    expect(changed).toEqual(sampleRecord('web', { workdir: '/srv' }));
    expect(await open().list()).toEqual([changed]);
  });

  it('forgets a record', async () => {
    await open().add(sampleRecord('web'));
    await open().remove('web');
    expect(await open().list()).toEqual([]);
  });

  it('lets one of many win who add the same name at once', async () => {
    const adding = Array.from({ length: 8 }, () => open().add(sampleRecord('web')));
    const settled = await Promise.allSettled(adding);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each([
    ['a name with a path in it', { name: '../../etc' }],
    ['a host that is an option', { provider: { kind: 'ssh', host: '-oProxyCommand=id' } }],
    ['a user that is an option', { provider: { kind: 'ssh', host: 'dev', user: '-l' } }],
    ['a port that is none', { provider: { kind: 'ssh', host: 'dev', port: 0 } }],
    ['an unknown provider', { provider: { kind: 'teleport' } }],
    ['an unknown key', { run: 'id' }],
  ])('refuses a file with %s', async (_, change) => {
    const file = { version: 1, sidecars: [{ ...sampleRecord('web'), ...change }], current: {} };
    await writeFile(join(stateDir, 'sidecars.json'), JSON.stringify(file));
    await expect(open().list()).rejects.toMatchObject({ code: 'state.corrupt' });
  });

  it('refuses a file with two records of one name', async () => {
    const file = { version: 1, sidecars: [sampleRecord('web'), sampleRecord('web')], current: {} };
    await writeFile(join(stateDir, 'sidecars.json'), JSON.stringify(file));
    await expect(open().list()).rejects.toMatchObject({ code: 'state.corrupt' });
  });

  it('refuses a file of a version that it does not know', async () => {
    const text = JSON.stringify({ version: 2, sidecars: [], current: {} });
    await mkdir(stateDir, { recursive: true });
    await writeFile(join(stateDir, 'sidecars.json'), text);
    await expect(open().add(sampleRecord('web'))).rejects.toMatchObject({ code: 'state.corrupt' });
    expect(await readFile(join(stateDir, 'sidecars.json'), 'utf8')).toBe(text);
  });

  describe('pin', () => {
    it('remembers the first key, once', async () => {
      await open().add(sampleRecord('web'));
      await open().pin('web', keyOne);
      await open().pin('web', keyOne);
      expect((await open().get('web')).hostKeys).toEqual([keyOne]);
    });

    it('is an alarm when another key was pinned in the meantime, and names both', async () => {
      await open().add(sampleRecord('web', { hostKeys: [keyOne] }));
      await expect(open().pin('web', keyTwo)).rejects.toMatchObject({
        code: 'ssh.host_key_changed',
        retryable: false,
        facts: {
          host: 'web',
          keyType: 'ssh-ed25519',
          expected: [expect.stringMatching(/^SHA256:/)],
          actual: expect.stringMatching(/^SHA256:/) as string,
        },
      });
      expect((await open().get('web')).hostKeys).toEqual([keyOne]);
    });
  });
});
