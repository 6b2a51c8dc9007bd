import { readFileSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.js';
import { execProvider } from '../../../../src/provider/exec/provider.js';
import type { MachineSpec, Place, Provider } from '../../../../src/provider/provider.js';
import { generateKeyPair } from '../../../../src/transport/key-pair.js';
import { providerContract } from '../../../contract/provider.js';
import { packageRoot } from '../../../fakes/built-program.js';
import { scratch, type Scratch } from '../../../fakes/git-repo.js';
import { writeKubectl } from '../../../fakes/kubectl.js';
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
  let provider: Provider;
  let open: (place?: Place) => Promise<Provider>;

  beforeAll(async () => {
    place = scratch();
    const bin = path.join(place.path, 'bin');
    state = path.join(place.path, 'state');
    await Promise.all([mkdir(bin), mkdir('/run/sshd', { recursive: true })]);
    await writeKubectl(bin, state);
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
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

  const specOf = async (image: string): Promise<MachineSpec> => {
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
