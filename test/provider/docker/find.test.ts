import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressOf, engineHost, parseEngineHost, placeOf } from '../../../src/provider/docker/engine/address.js';
import { findEngine } from '../../../src/provider/docker/engine/find.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';

describe('the engine', () => {
  let home: Scratch;
  beforeEach(() => {
    home = scratch();
  });
  afterEach(() => home.remove());

  /** Of all usual sockets, there are these. */
  const find = async (env: NodeJS.ProcessEnv, ...sockets: readonly string[]) =>
    placeOf(
      await findEngine({ env, homeDir: home.path, isSocket: (each) => sockets.includes(each.replace(home.path, '~')) }),
    );

  const usual = '/var/run/docker.sock';

  function context(name: string, endpoint: object, { tls = false } = {}): string {
    const id = createHash('sha256').update(name).digest('hex');
    const meta = path.join(home.path, '.docker/contexts/meta', id);
    mkdirSync(meta, { recursive: true });
    writeFileSync(
      path.join(meta, 'meta.json'),
      JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } }),
    );
    const certificates = path.join(home.path, '.docker/contexts/tls', id, 'docker');
    if (tls) mkdirSync(certificates, { recursive: true });
    return certificates;
  }

  function chosen(currentContext: string): void {
    mkdirSync(path.join(home.path, '.docker'), { recursive: true });
    writeFileSync(path.join(home.path, '.docker/config.json'), JSON.stringify({ auths: {}, currentContext }));
  }

  it('is the one of DOCKER_HOST before all others', async () => {
    chosen('colima');
    const env = { DOCKER_HOST: 'ssh://me@build:2222', DOCKER_CONTEXT: 'other' };
    expect(await find(env, usual)).toEqual({ host: 'ssh://me@build:2222' });
    expect(await find({ DOCKER_HOST: 'build:2375' })).toEqual({ host: 'tcp://build:2375' });
  });

  it('is spoken to over TLS where DOCKER_TLS_VERIFY says so, with the files in DOCKER_CERT_PATH', async () => {
    const env = { DOCKER_HOST: 'tcp://build', DOCKER_TLS_VERIFY: '1' };
    const place = { host: 'tcp://build:2376', tlsVerify: 'yes' };
    expect(await find({ ...env, DOCKER_CERT_PATH: '/certs' })).toEqual({ ...place, tlsDirectory: '/certs' });
    expect(await find(env)).toEqual({ ...place, tlsDirectory: path.join(home.path, '.docker') });
  });

  it('is the one of the context that is chosen: by DOCKER_CONTEXT, else by `docker context use`', async () => {
    context('colima', { Host: 'unix:///colima.sock', SkipTLSVerify: false });
    const certificates = context('build', { Host: 'tcp://build:2376', SkipTLSVerify: false }, { tls: true });
    chosen('colima');
    expect(await find({}, usual)).toEqual({ host: 'unix:///colima.sock' });
    expect(await find({ DOCKER_CONTEXT: 'build' })).toEqual({
      host: 'tcp://build:2376',
      tlsDirectory: certificates,
      tlsVerify: 'yes',
    });
    expect(await find({ DOCKER_CONTEXT: 'default' }, usual)).toEqual({ host: `unix://${usual}` });
  });

  it('is none where a context is chosen that is not there, or not as it should be', async () => {
    await expect(find({ DOCKER_CONTEXT: 'gone' }, usual)).rejects.toMatchObject({
      code: 'usage.invalid',
      facts: { reason: expect.stringContaining('no Docker context gone') as string },
    });
    context('odd', { Host: 'npipe:////./pipe/docker' });
    await expect(find({ DOCKER_CONTEXT: 'odd' }, usual)).rejects.toMatchObject({ code: 'usage.invalid' });
    mkdirSync(path.join(home.path, '.docker'), { recursive: true });
    writeFileSync(path.join(home.path, '.docker/config.json'), '{"currentContext": 1, "auths": {"x": "secret"}}');
    const error = await find({}, usual).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage.invalid' });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it.each([
    ['the usual socket', {}, [usual, '/run/podman/podman.sock'], `unix://${usual}`],
    [
      'CONTAINER_HOST',
      { CONTAINER_HOST: 'ssh://me@build/run/podman.sock' },
      ['/run/podman/podman.sock'],
      'ssh://me@build/run/podman.sock',
    ],
    [
      'that of Docker without root',
      { XDG_RUNTIME_DIR: '/run/user/7' },
      ['/run/user/7/docker.sock', '/run/user/7/podman/podman.sock'],
      'unix:///run/user/7/docker.sock',
    ],
    [
      'that of Colima',
      {},
      ['~/.colima/default/docker.sock', '/run/podman/podman.sock'],
      'unix://~/.colima/default/docker.sock',
    ],
    [
      'that of podman without root',
      { XDG_RUNTIME_DIR: '/run/user/7' },
      ['/run/user/7/podman/podman.sock', '/run/podman/podman.sock'],
      'unix:///run/user/7/podman/podman.sock',
    ],
    ['that of podman', {}, ['/run/podman/podman.sock'], 'unix:///run/podman/podman.sock'],
  ])('is without a choice that of %s', async (_, env, sockets, host) => {
    expect((await find(env, ...sockets))['host']?.replace(home.path, '~')).toBe(host);
  });

  it('is missing where there is no socket at all, and the error says how to start one', async () => {
    await expect(find({})).rejects.toMatchObject({
      code: 'provider.unavailable',
      facts: { suggestion: expect.stringContaining('DOCKER_HOST') as string },
      retryable: false,
    });
  });

  it.each([
    'unix:///a b/docker.sock',
    'tcp://[::1]:2375',
    'tcp://build:1',
    'ssh://me@build:2222/run/docker.sock',
    'ssh://build',
  ])('is found again by what is kept of it (%s)', (host) => {
    const address = parseEngineHost(host, 'DOCKER_HOST');
    expect(engineHost(address)).toBe(host);
    expect(addressOf(placeOf(address))).toEqual(address);
  });

  it.each([
    '',
    'unix://',
    'fd://',
    'tcp://',
    'ssh://-oProxyCommand=x',
    'ssh://-l@host',
    'ssh://me:secret@host',
    'what is this',
  ])('is not at %s', (host) => {
    expect(() => parseEngineHost(host, 'DOCKER_HOST')).toThrow(
      expect.objectContaining({ code: 'usage.invalid' }) as Error,
    );
  });
});
