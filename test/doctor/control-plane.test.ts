import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { madeBy } from '../../src/sidecars/record.js';
import { Registry } from '../../src/sidecars/registry.js';
import { CurrentSidecar } from '../../src/sidecars/current.js';
import { apiBed, type ApiBed } from '../provider/api/bed.js';
import { createMachine } from '../../src/provider/create.js';
import { systemClock } from '../../src/clock.js';
import { fakeClock } from '../fakes/clock.js';
import { Clinic } from './clinic.js';

let user: Clinic;
let service: ApiBed;
beforeEach(async () => {
  user = new Clinic();
  service = await apiBed();
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  user[Symbol.dispose]();
});

const examine = (env: Readonly<Record<string, string>>): ReturnType<Clinic['examine']> =>
  user.examine({ env: { ...user.env, ...env } });
const configured = (token = 'token'): Record<string, string> => ({
  SIDECAR_SERVER: service.server.url,
  SIDECAR_TOKEN: token,
});

/** Makes one of the service's, and has it used in the project. */
async function useOneOfTheService(): Promise<void> {
  const store = registryStore(user.stateDir);
  const registry = new Registry(store);
  const deps = { registry, stateDir: user.stateDir, clock: systemClock, emit: () => undefined };
  await createMachine({ name: 'web' }, { ...deps, provider: service.provider() });
  await new CurrentSidecar(store).set(user.project.root, 'web');
}

describe('a control plane', () => {
  it('that is not there is not missed', async () => {
    expect((await examine({})).control_plane).toMatchObject({
      result: 'skipped',
      detail: 'none is configured, and none is needed',
    });
  });

  it('that answers, and takes the login, is told', async () => {
    expect((await examine(configured())).control_plane).toEqual({
      result: 'ok',
      detail: `${service.server.url} knows you, and says that it is ok`,
    });
    expect(service.server.calls).toEqual(['GET /v1/health', 'GET /v1/sidecars']);
  });

  it('that nobody is logged in to is a warning where no sidecar needs it, with the way to log in', async () => {
    expect((await examine({ SIDECAR_SERVER: service.server.url })).control_plane).toMatchObject({
      result: 'warning',
      fix: expect.stringContaining('sidecar login') as string,
    });
  });

  it('that does not take the token fails where the sidecar is one of its own', async () => {
    await useOneOfTheService();
    expect((await examine(configured('wrong'))).control_plane).toMatchObject({ result: 'failed' });
    expect(JSON.stringify(await examine(configured('secret-of-a-test')))).not.toContain('secret-of-a-test');
  });

  it('that cannot be reached is told, and so is an address that is none', async () => {
    await service.server.close();
    expect((await examine(configured())).control_plane).toMatchObject({
      result: 'warning',
      detail: expect.stringContaining(service.server.url) as string,
    });
    expect((await examine({ SIDECAR_SERVER: 'http://control.example.com' })).control_plane).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('SIDECAR_SERVER') as string,
    });
  });

  it('that says nothing is a warning where no sidecar needs it', async () => {
    service.server.fault = () => ({ kind: 'hang' });
    const clock = fakeClock();
    const told = await clock.until(user.examine({ env: { ...user.env, ...configured() }, clock }));
    expect(told.control_plane).toEqual({
      result: 'warning',
      detail: `no answer from ${service.server.url} in 10 s`,
      fix: 'try again later; only sidecars of its own need it',
    });
  });

  it('that is one of several with a login is not guessed, and how to name it is told', async () => {
    const servers = { 'https://one.example': { storage: 'file' }, 'https://two.example': { storage: 'file' } };
    user.write('state/logins.json', JSON.stringify({ version: 1, servers }));
    expect((await examine({})).control_plane).toEqual({
      result: 'skipped',
      detail: 'none is named, and there are logins at https://one.example, https://two.example',
      fix: expect.stringContaining('SIDECAR_SERVER') as string,
    });
  });

  it('is not looked for with settings that cannot be read', async () => {
    user.write('state/config.json', '{');
    expect((await examine({})).control_plane).toMatchObject({
      result: 'skipped',
      detail: 'not tried: see your settings',
    });
  });

  it('that tells of a machine for the first time is heard, and the list of sidecars stays as it is', async () => {
    await useOneOfTheService();
    const registry = new Registry(registryStore(user.stateDir));
    const unknown = await registry.update('web', (record) => {
      const { kind, by, requestId, place } = madeBy(record);
      return { ...record, hostKeys: [], provider: { kind, by, requestId, place } };
    });
    expect(await examine(configured())).toMatchObject({ address: { result: 'ok' }, host_key: { result: 'ok' } });
    expect(await registry.get('web')).toEqual(unknown);
  });

  it('whose sidecar is in standby has it left asleep, and that is no fault', async () => {
    await useOneOfTheService();
    await service.server.account().standby('web');
    const told = await examine(configured());
    expect(told).toMatchObject({
      control_plane: { result: 'ok' },
      keys: { detail: 'the one that this machine has for all sidecars of the control plane' },
      address: { result: 'skipped', detail: expect.stringContaining('standby') as string },
      port: { result: 'skipped' },
      'remote.git': { result: 'skipped' },
    });
    expect(service.server.calls).not.toContain('POST /v1/sidecars/{id}/resume');
  });
});
