import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registryAuth, registryLogin } from '../../../../src/provider/docker/registry/registry-login.js';
import { scratch, type Scratch } from '../../../fakes/git-repo.js';

const hub = 'https://index.docker.io/v1/';
const encoded = (text: string): string => Buffer.from(text).toString('base64');

describe('the login at the registry of an image', () => {
  let home: Scratch;
  beforeEach(() => {
    home = scratch();
  });
  afterEach(() => home.remove());

  function configured(config: object): void {
    mkdirSync(path.join(home.path, '.docker'), { recursive: true });
    writeFileSync(path.join(home.path, '.docker/config.json'), JSON.stringify(config));
  }

  /** A credential helper that says this of every registry, once it has read which. */
  function helper(name: string, script: string): void {
    mkdirSync(path.join(home.path, 'bin'), { recursive: true });
    const file = path.join(home.path, `bin/docker-credential-${name}`);
    writeFileSync(file, `#!/bin/sh\nread -r registry\n${script}\n`);
    chmodSync(file, 0o755);
  }

  const login = (image: string, options = {}) => {
    const env = {
      PATH: `${path.join(home.path, 'bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
      SIDECAR_TOKEN: 'secret',
    };
    return registryLogin(image, { env, homeDir: home.path }, options);
  };

  it.each([
    ['alpine', hub],
    ['team/dev:1', hub],
    ['docker.io/team/dev', hub],
    ['index.docker.io/team/dev', hub],
    ['ghcr.io/team/dev@sha256:abc', 'ghcr.io'],
    ['localhost/dev', 'localhost'],
    ['registry:5000/dev', 'registry:5000'],
  ])('of %s is that at %s', async (image, registry) => {
    expect(await login(image)).toEqual({ registry });
    configured({ auths: { [registry]: { auth: encoded('dev:pass:word') } } });
    expect(await login(image)).toEqual({ registry, credentials: { username: 'dev', password: 'pass:word' } });
  });

  it.each([
    ['https://ghcr.io', { auth: encoded('dev:word') }, { username: 'dev', password: 'word' }],
    ['http://ghcr.io/v1/', { username: 'dev', password: 'word' }, { username: 'dev', password: 'word' }],
    [
      'ghcr.io',
      { auth: encoded('dev:\0\0'), identitytoken: 'token' },
      { username: 'dev', password: '', identitytoken: 'token' },
    ],
    ['ghcr.io', { auth: '', registrytoken: 'token' }, { registrytoken: 'token' }],
    ['ghcr.io', {}, undefined],
    ['ghcr.io.invalid', { auth: encoded('dev:word') }, undefined],
  ])('is read from the configuration, where it says so of %s: %j', async (key, entry, credentials) => {
    configured({ auths: { [key]: entry } });
    expect(await login('ghcr.io/team/dev')).toEqual({ registry: 'ghcr.io', credentials });
  });

  it('is asked of the helper of that registry, else of the store of all', async () => {
    helper('one', `printf '{"ServerURL":"","Username":"%s","Secret":"one"}' "$registry"`);
    helper('all', `printf '{"Username":"<token>","Secret":"all%s"}' "$SIDECAR_TOKEN"`);
    configured({ credHelpers: { 'ghcr.io': 'one' }, credsStore: 'all', auths: { [hub]: {} } });
    expect(await login('ghcr.io/dev')).toMatchObject({ credentials: { username: 'ghcr.io', password: 'one' } });
    expect(await login('dev')).toMatchObject({ registry: hub, credentials: { identitytoken: 'all' } });
  });

  it('is none where the helper knows of none', async () => {
    helper('all', 'echo "credentials not found in native keychain"; exit 1');
    configured({ credsStore: 'all' });
    expect(await login('dev')).toEqual({ registry: hub });
  });

  it.each([
    ['fails', 'echo secret; exit 3', 'docker-credential-all failed (3)'],
    ['says something else', 'echo secret', 'docker-credential-all answers what no credential helper does'],
    ['is not there', undefined, 'there is no docker-credential-all on PATH'],
  ])('is none where the helper %s, and why is told without its words', async (_title, script, trouble) => {
    if (script !== undefined) helper('all', script);
    configured({ credsStore: 'all' });
    expect(await login('dev')).toEqual({ registry: hub, trouble });
  });

  it('names no program elsewhere', async () => {
    configured({ credsStore: '../../evil' });
    expect(await login('dev')).toMatchObject({ trouble: 'the name of the credential helper is none' });
  });

  it('is waited for no longer once the user gives up', async () => {
    helper('all', 'exec sleep 1000');
    configured({ credsStore: 'all' });
    const controller = new AbortController();
    const asked = login('dev', { signal: controller.signal });
    const reason = new Error('Ctrl-C');
    setImmediate(() => controller.abort(reason));
    await expect(asked).rejects.toBe(reason);
  });

  it('is none where the configuration is broken, which is told without its words', async () => {
    configured({ auths: 'secret' });
    const { trouble, credentials } = await login('dev');
    expect(trouble).toContain('is not as the docker command writes it');
    expect(trouble).not.toContain('secret');
    expect(credentials).toBeUndefined();
  });

  it('is found also where what is not said is written as null', async () => {
    const entry = { auth: encoded('dev:word'), identitytoken: null };
    configured({ credsStore: null, credHelpers: null, auths: { [hub]: entry } });
    expect(await login('dev')).toEqual({ registry: hub, credentials: { username: 'dev', password: 'word' } });
    configured({ auths: null });
    expect(await login('dev')).toEqual({ registry: hub });
  });

  it('goes to the engine in letters that stand in an address, padded', () => {
    const auth = registryAuth({ registry: 'ghcr.io', credentials: { username: 'dev', password: '\xff\xfe?>~' } }) ?? '';
    expect(auth).toMatch(/^[\w-]+=*$/);
    expect(auth.length % 4).toBe(0);
    expect(JSON.parse(Buffer.from(auth, 'base64url').toString('utf8'))).toEqual({
      ...{ username: 'dev', password: '\xff\xfe?>~', serveraddress: 'ghcr.io' },
    });
    expect(registryAuth({ registry: 'ghcr.io' })).toBeUndefined();
  });
});
