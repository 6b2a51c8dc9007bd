import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../src/clock.js';
import { execProvider } from '../../../../src/provider/exec/provider.js';
import type { Machine, MachineSpec, Place, Provider } from '../../../../src/provider/provider.js';
import { generateKeyPair } from '../../../../src/transport/key-pair.js';
import { providerContract } from '../../../contract/provider.js';
import { packageRoot } from '../../../fakes/built-program.js';
import { scratch, type Scratch } from '../../../fakes/git-repo.js';
import { spoil, writeKubectl } from '../../../fakes/kubectl.js';
import { describeWith } from '../../../fakes/parts.js';

const example = path.join(packageRoot, 'src/provider/exec/examples/sidecar-provider-kubectl');

/** What stands in for a Pod is this machine, where only root may log in as root. */
const isRoot = process.getuid?.() === 0;
const describeAsRoot: typeof describeWith = (parts, title, body) => {
  if (isRoot) describeWith(parts, title, body);
  else describe.skip(`${title} (skipped: only root can log in as root)`, body);
};

describeAsRoot(['sshd', 'ssh-keygen'], 'sidecar-provider-kubectl, with a stand-in for kubectl', () => {
  let place: Scratch;
  let state: string;
  let temporary: string;
  let provider: Provider;
  let open: (place?: Place) => Promise<Provider>;

  beforeAll(async () => {
    place = scratch();
    const bin = path.join(place.path, 'bin');
    state = path.join(place.path, 'state');
    temporary = path.join(place.path, 'tmp');
    await Promise.all([mkdir(bin), mkdir(temporary), mkdir('/run/sshd', { recursive: true })]);
    await writeKubectl(bin, state);
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, TMPDIR: temporary };
    const program = { name: 'kubectl', command: [example] as const, source: 'path' as const };
    open = (place) => execProvider({ program, env, clock: systemClock, place });
    provider = await open();
  });
  afterAll(() => place.remove());

  describe('keeps the promises of a provider:', () => {
    providerContract(() => Promise.resolve({ provider, image: 'registry.example/dev' }), {
      skips: ['authorize-key', 'start-running', 'stop-start', 'stop'],
    });
  });

  const specOf = async (image = 'registry.example/dev'): Promise<MachineSpec> => {
    const hostKey = await generateKeyPair();
    const authorizedKeys = [hostKey.publicKey];
    return {
      name: 'web',
      requestId: '0b8f1c4e-1111-4222-8333-444455556666',
      image,
      hostKey,
      authorizedKeys,
      options: {},
    };
  };
  const objects = (): string[] => readdirSync(state).filter((file) => file.endsWith('.json'));
  const listed = async (): Promise<Machine[]> => {
    const all: Machine[] = [];
    for await (const machine of provider.list()) all.push(machine);
    return all;
  };
  /** An object that somebody else has made under the name of ours. */
  const put = (kind: 'Secret' | 'Pod', labels: Record<string, string>): void => {
    const object = { kind, metadata: { name: 'sidecar-web', labels }, status: { phase: 'Running' } };
    writeFileSync(path.join(state, `${kind.toLowerCase()}-sidecar-web.json`), JSON.stringify(object));
  };
  const labelsOf = (requestId: string): Record<string, string> => ({
    'sidecar.dev/maker': 'sidecar-provider-kubectl',
    'sidecar.dev/name': 'web',
    'sidecar.dev/request': requestId,
  });
  afterEach(() => {
    for (const file of ['pod-sidecar-web.json', 'secret-sidecar-web.json', 'mount-sidecar-web'])
      rmSync(path.join(state, file), { recursive: true, force: true });
  });

  it('stays in the context and the namespace that it was made in', async () => {
    expect(provider.place).toEqual({ context: 'test', namespace: 'sidecars' });
    const elsewhere = await open({ context: 'other', namespace: 'sidecars' });
    const ref = { name: 'web', requestId: 'r-1' };
    await expect(elsewhere.describe(ref)).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  it('takes back the Secret of a Pod that cannot be had, and says why', async () => {
    await expect(provider.create(await specOf('nosuch'))).rejects.toMatchObject({
      code: 'provider.quota',
      facts: { reason: expect.stringContaining('exceeded quota') as string },
    });
    expect(objects()).toEqual([]);
  });

  it('goes on with a Pod whose answer was lost, and makes no second one', async () => {
    for (const says of [
      'Unable to connect to the server: net/http: TLS handshake timeout',
      'Error from server (InternalError): error when creating "STDIN": an error on the server',
      undefined,
    ]) {
      const spec = await specOf();
      spoil(state, 'create pod', { done: true, ...(says === undefined ? {} : { says }) });
      await expect(provider.create(spec)).rejects.toMatchObject({
        ...{ code: 'provider.unavailable', retryable: true },
        facts: { maybeApplied: true, reason: expect.stringContaining(says ?? 'it is not known whether') as string },
      });
      expect(await provider.describe(spec)).toMatchObject({ requestId: spec.requestId, state: 'starting' });
      expect((await provider.create(spec)).requestId).toBe(spec.requestId);
      expect(objects()).toEqual(['pod-sidecar-web.json', 'secret-sidecar-web.json']);
      await provider.delete(spec);
      expect(objects()).toEqual([]);
    }
  });

  it('keeps what it has made where it cannot look at it, and says so', async () => {
    const spec = await specOf();
    const says = 'Error from server (Forbidden): pods is forbidden: User "dev" cannot list resource "pods"';
    spoil(state, 'get secrets,pods', { done: false, says });
    await expect(provider.create(spec)).rejects.toMatchObject({
      code: 'provider.unauthenticated',
      facts: { maybeApplied: true },
    });
    expect(objects()).toEqual(['pod-sidecar-web.json', 'secret-sidecar-web.json']);
  });

  it('is content with a Pod that leaves no room for another, where it is the one that was asked for', async () => {
    const spec = await specOf();
    await provider.create(spec);
    spoil(state, 'create pod', { done: false, says: 'Error from server (Forbidden): exceeded quota: pods' });
    expect((await provider.create(spec)).requestId).toBe(spec.requestId);
  });

  it('says that something may be left of what it could not take back', async () => {
    const spec = await specOf('nosuch');
    spoil(state, 'delete pods', { done: false, says: 'Unable to connect to the server: EOF' });
    await expect(provider.create(spec)).rejects.toMatchObject({
      code: 'provider.quota',
      facts: { maybeApplied: true },
    });
    expect(await provider.describe(spec)).toMatchObject({ state: 'creating' });
    await provider.delete(spec);
    expect(objects()).toEqual([]);
  });

  it('takes no Pod or Secret of its name for its own that another creation made, or nobody knows who', async () => {
    const spec = await specOf();
    for (const labels of [{}, labelsOf('another')]) {
      for (const kind of ['Secret', 'Pod'] as const) {
        put(kind, labels);
        await expect(provider.create(spec)).rejects.toMatchObject({
          code: 'sidecar.exists',
          facts: { maybeApplied: false },
        });
        expect(await provider.describe(spec)).toBeUndefined();
        await provider.delete(spec);
        expect(objects()).toEqual([`${kind.toLowerCase()}-sidecar-web.json`]);
        rmSync(path.join(state, `${kind.toLowerCase()}-sidecar-web.json`));
      }
    }
  });

  it('leads nobody to the Pod of another creation that has the name now', async () => {
    const spec = await specOf();
    await provider.create(spec);
    const { name } = spec;
    await expect(provider.connect?.({ name, requestId: 'another' })).rejects.toMatchObject({ code: 'provider.gone' });
  });

  it('finds, lists and ends a Pod whose Secret is gone', async () => {
    const spec = await specOf();
    const { id } = await provider.create(spec);
    expect((await provider.describe(spec))?.state).toBe('running');
    rmSync(path.join(state, 'secret-sidecar-web.json'));
    expect(await provider.describe(spec)).toMatchObject({ id, state: 'running' });
    expect(await listed()).toMatchObject([{ id, requestId: spec.requestId, state: 'running' }]);
    await provider.delete(spec);
    expect(objects()).toEqual([]);
  });

  it('leaves no file of its own where it is told to end', async () => {
    // One that was ended as it began may have left its directory.
    const before = readdirSync(temporary);
    const spoilt = spoil(state, 'create secret', { done: true, hangs: true });
    const abort = new AbortController();
    const creation = provider.create(await specOf(), { signal: abort.signal });
    await vi.waitFor(() => expect(existsSync(spoilt)).toBe(false), { timeout: 20_000 });
    abort.abort(new Error('enough'));
    await expect(creation).rejects.toThrow('enough');
    expect(readdirSync(temporary)).toEqual(before);
  });

  it('runs as root, whomever the image names', async () => {
    await provider.create(await specOf());
    const pod: unknown = JSON.parse(readFileSync(path.join(state, 'pod-sidecar-web.json'), 'utf8'));
    expect(pod).toMatchObject({ spec: { containers: [{ securityContext: { runAsUser: 0, runAsGroup: 0 } }] } });
  });

  it('hands secrets to kubectl by its stdin alone, each key a file that only root reads', async () => {
    const spec = await specOf('registry.example/dev');
    await provider.create(spec);
    const secret = spec.hostKey.privateKey.split('\n')[2] ?? '';
    expect(readFileSync(path.join(state, 'calls'), 'utf8')).not.toContain(secret);
    const pod = readFileSync(path.join(state, 'pod-sidecar-web.json'), 'utf8');
    expect(pod).toContain('"defaultMode":256');
    expect(pod).not.toContain(secret);
    expect((await provider.describe(spec))?.state).toBe('running');
    const mounted = readFileSync(path.join(state, 'mount-sidecar-web/host_key'), 'utf8');
    expect(mounted.trim()).toBe(spec.hostKey.privateKey.trim());
    await provider.delete(spec);
    expect(objects()).toEqual([]);
  });
});
