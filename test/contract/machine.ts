import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Locator } from '../../src/provider/locator.js';
import { openSession } from '../../src/session/open.js';
import type { SidecarRecord } from '../../src/sidecars/record.js';
import { hostKeyPolicy } from '../../src/transport/host-trust.js';
import { loadIdentities } from '../../src/transport/identities.js';
import { connectSsh2 } from '../../src/transport/ssh2/connect.js';

export interface MachineUnderTest {
  readonly locator: Locator;
  /** A sidecar that was just created. */
  readonly record: SidecarRecord;
  /** Stops the machine without telling the locator, as a power cut would. */
  crash(): Promise<void>;
}

/** What holds for the machine behind every sidecar that was made, as `locator.ts` writes it. To be called within a `describe`. */
export function machineContract(create: () => Promise<MachineUnderTest>): void {
  let subject: MachineUnderTest;

  beforeEach(async () => {
    subject = await create();
  });
  afterEach(() => subject.locator.delete(subject.record));

  /** The output of a command on the machine. Waits for it to boot. */
  const run = async (command: string): Promise<string> => {
    const { locator, record } = subject;
    const { transport } = await openSession({
      record,
      locator,
      clock: systemClock,
      emit: () => undefined,
      connect: async (target, limits) => {
        const [hostKeys, identities] = await Promise.all([hostKeyPolicy(target), loadIdentities({ target })]);
        return (await connectSsh2({ target, hostKeys, identities, env: process.env, ...limits })).transport;
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

  it('tells the key of the machine before the first connection', async () => {
    const { hostKeys } = await subject.locator.target(subject.record);
    expect(hostKeys).toEqual(subject.record.hostKeys);
    expect(hostKeys).not.toEqual([]);
  });

  it('gives a machine that lets us in and runs commands', async () => {
    expect(await run('echo hello')).toBe('hello\n');
  });

  it('tells where the machine is, again and again, without changing it', async () => {
    await run('echo kept > file');
    const { locator, record } = subject;
    const [first, second] = [await locator.target(record), await locator.target(record)];
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
    const { locator, record } = subject;
    await locator.delete(record);
    await locator.delete(record);
    await expect(locator.target(record)).rejects.toMatchObject({ code: 'provider.gone' });
  });

  it('deletes a machine that crashed', async () => {
    await subject.crash();
    await subject.locator.delete(subject.record);
  });

  it('deletes a machine that somebody else starts just now', async () => {
    const { locator, record } = subject;
    await subject.crash();
    await Promise.all([locator.target(record).catch(() => undefined), locator.delete(record)]);
    await expect(locator.target(record)).rejects.toMatchObject({ code: 'provider.gone' });
  });
}
