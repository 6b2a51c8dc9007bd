import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Provider } from '../../src/provider/provider.js';
import { openSession } from '../../src/session/open.js';
import type { SidecarRecord } from '../../src/sidecars/record.js';
import { hostKeyPolicy } from '../../src/transport/host-trust.js';
import { loadIdentities } from '../../src/transport/identities.js';
import { connectSsh2 } from '../../src/transport/ssh2/connect.js';

export interface ProviderUnderTest {
  readonly provider: Provider;
  /** A sidecar that was just created. */
  readonly record: SidecarRecord;
  /** Stops the machine without telling the provider, as a power cut would. */
  crash(): Promise<void>;
}

/** What every Provider promises, as `provider.ts` writes it. To be called within a `describe`. */
export function providerContract(create: () => Promise<ProviderUnderTest>): void {
  let subject: ProviderUnderTest;

  beforeEach(async () => {
    subject = await create();
  });
  afterEach(() => subject.provider.delete(subject.record));

  /** The output of a command on the machine. Waits for it to boot. */
  const run = async (command: string): Promise<string> => {
    const { provider, record } = subject;
    const { transport } = await openSession({
      record,
      provider,
      clock: systemClock,
      emit: () => undefined,
      connect: async (target, limits) => {
        const [hostKeys, identities] = await Promise.all([hostKeyPolicy(target), loadIdentities({ target })]);
        return (await connectSsh2({ target, hostKeys, identities, ...limits })).transport;
      },
    });
    try {
      const channel = await transport.exec(command);
      channel.stdin.end();
      let output = '';
      for await (const chunk of channel.stdout) output += String(chunk);
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
      return output;
    } finally {
      await transport.close();
    }
  };

  it('is of the kind that the record says', () => {
    expect(subject.provider.kind).toBe(subject.record.provider.kind);
  });

  it('tells the key of the machine before the first connection', async () => {
    const { hostKeys } = await subject.provider.target(subject.record);
    expect(hostKeys).toEqual(subject.record.hostKeys);
    expect(hostKeys).not.toEqual([]);
  });

  it('gives a machine that lets us in and runs commands', async () => {
    expect(await run('echo hello')).toBe('hello\n');
  });

  it('tells where the machine is, again and again, without changing it', async () => {
    await run('echo kept > file');
    const { provider, record } = subject;
    const [first, second] = [await provider.target(record), await provider.target(record)];
    expect(second).toEqual(first);
    expect(await run('cat file')).toBe('kept\n');
  });

  it('brings back a machine that crashed, with its files and its key', async () => {
    await run('echo kept > file');
    await subject.crash();
    expect(await run('cat file')).toBe('kept\n');
    await subject.crash();
    expect(await run('cat file')).toBe('kept\n');
  });

  it('deletes a machine once, and is content to find it gone', async () => {
    const { provider, record } = subject;
    await provider.delete(record);
    await provider.delete(record);
    await expect(provider.target(record)).rejects.toMatchObject({ code: 'provider.failed' });
  });

  it('deletes a machine that crashed', async () => {
    await subject.crash();
    await subject.provider.delete(subject.record);
  });

  it('deletes a machine that somebody else starts just now', async () => {
    const { provider, record } = subject;
    await subject.crash();
    await Promise.all([provider.target(record).catch(() => undefined), provider.delete(record)]);
    await expect(provider.target(record)).rejects.toMatchObject({ code: 'provider.failed' });
  });
}
