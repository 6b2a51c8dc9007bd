import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CurrentSidecar } from '../../src/sidecars/current.js';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { sampleRecord } from './sample-record.js';

describe('CurrentSidecar', () => {
  let base: string;
  let one: string;
  let two: string;
  let registry: Registry;
  let current: CurrentSidecar;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'sidecar-current-'));
    one = join(base, 'one');
    two = join(base, 'two');
    await Promise.all([mkdir(one), mkdir(two)]);
    const store = registryStore(join(base, 'state'));
    registry = new Registry(store);
    current = new CurrentSidecar(store);
    await registry.add(sampleRecord('api'));
    await registry.add(sampleRecord('web'));
  });
  afterEach(() => rm(base, { recursive: true }));

  it('is per working tree', async () => {
    await current.set(one, 'api');
    await current.set(two, 'web');
    expect([await current.get(one), await current.get(two)]).toEqual(['api', 'web']);
  });

  it('does not depend on how the working tree is spelled', async () => {
    await symlink(one, join(base, 'link'));
    await current.set(join(base, 'link'), 'api');
    expect(await current.get(`${one}/../one/`)).toBe('api');
  });

  it('is never guessed, not even when there is only one', async () => {
    await registry.remove('web');
    const none = { code: 'sidecar.none_selected', facts: { known: ['api'] } };
    await expect(current.get(one)).rejects.toMatchObject(none);
    expect(await current.find(one)).toBeUndefined();
  });

  it('must be a sidecar that is known', async () => {
    const unknown = { code: 'sidecar.unknown', facts: { name: 'dev', known: ['api', 'web'] } };
    await expect(current.set(one, 'dev')).rejects.toMatchObject(unknown);
  });

  it('is cleared everywhere when the sidecar is forgotten, and only for that one', async () => {
    await current.set(one, 'api');
    await current.set(two, 'web');
    await registry.remove('api');
    await registry.add(sampleRecord('api'));
    expect([await current.find(one), await current.find(two)]).toEqual([undefined, 'web']);
  });

  describe('choose', () => {
    const from = (kind: 'flag' | 'default') => ({ kind });
    const variable = { kind: 'environment', variable: 'SIDECAR_NAME' } as const;
    const project = { kind: 'project', path: '/p/.sidecar.json' } as const;

    it('follows a flag and the environment before what was selected', async () => {
      await current.set(one, 'api');
      expect(await current.choose(one, { value: 'web', source: from('flag') })).toBe('web');
      expect(await current.choose(one, { value: 'web', source: variable })).toBe('web');
    });

    it('follows what was selected before a settings file', async () => {
      await current.set(one, 'api');
      expect(await current.choose(one, { value: 'web', source: project })).toBe('api');
    });

    it('follows a settings file where nothing was selected', async () => {
      expect(await current.choose(two, { value: 'web', source: project })).toBe('web');
    });

    it('refuses when nobody said anything', async () => {
      const nothing = current.choose(two, { value: undefined, source: from('default') });
      await expect(nothing).rejects.toMatchObject({ code: 'sidecar.none_selected' });
    });
  });
});
