import { beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import { KeptSession } from '../../src/session/kept.js';
import type { LostSession } from '../../src/session/open.js';
import { memoryTransport, shell, type MemoryTransport } from '../fakes/memory-transport.js';

const { signal } = new AbortController();

let opened: { readonly transport: MemoryTransport; readonly lost: LostSession | undefined }[];
let losses: number;
let kept: KeptSession;

beforeEach(() => {
  opened = [];
  losses = 0;
  kept = new KeptSession(
    (_, lost) => {
      const transport = memoryTransport(shell());
      opened.push({ transport, lost });
      return Promise.resolve({ transport, attempts: 3, elapsedMs: 5_000 });
    },
    () => (losses += 1),
  );
});

const cut = (): void => opened.at(-1)?.transport.cut();
/** Everything that follows from what has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a session that is kept', () => {
  it('is opened for the first who needs it, and is warm for the next', async () => {
    const first = await kept.lend(signal);
    expect(first).toMatchObject({ attempts: 3, elapsedMs: 5_000, warm: false });
    await first.transport.close();
    const second = await kept.lend(signal);
    expect(second).toMatchObject({ attempts: 1, elapsedMs: 0, warm: true });
    expect(await (await second.transport.exec('exit 4')).exit).toEqual({ kind: 'code', code: 4 });
    expect(opened).toHaveLength(1);
  });

  it('that is lost in between says so, and is opened anew with the loss as the reason', async () => {
    const { transport } = await kept.lend(signal);
    await transport.close();
    cut();
    await settled();
    expect(losses).toBe(1);
    expect(kept.transport).toBeUndefined();
    expect(await kept.lend(signal)).toMatchObject({ warm: false });
    expect(opened[1]?.lost).toMatchObject({ error: { code: 'ssh.connection_lost' }, attempts: 1, elapsedMs: 0 });
  });

  it('that is lost while it is lent is for the one who has it to open again', async () => {
    const { transport } = await kept.lend(signal);
    cut();
    await settled();
    expect(losses).toBe(0);
    await transport.close();
    const error = new SidecarError('ssh.connection_lost', {}, { retryable: true });
    const lost = { error, attempts: 3, elapsedMs: 5_000 };
    await kept.lend(signal, lost);
    expect(opened[1]?.lost).toBe(lost);
  });

  it('that could not be opened again is opened as if for the first time', async () => {
    let open = (): Promise<never> => Promise.reject(new SidecarError('ssh.unreachable'));
    const reasons: unknown[] = [];
    kept = new KeptSession(
      (_, lost) => {
        reasons.push(lost?.error.code);
        if (reasons.length > 1) return open();
        const transport = memoryTransport(shell());
        opened.push({ transport, lost });
        return Promise.resolve({ transport, attempts: 1, elapsedMs: 0 });
      },
      () => undefined,
    );
    await (await kept.lend(signal)).transport.close();
    cut();
    await settled();
    await expect(kept.lend(signal)).rejects.toMatchObject({ code: 'ssh.unreachable' });
    open = () => Promise.reject(new SidecarError('ssh.auth_refused'));
    await expect(kept.lend(signal)).rejects.toMatchObject({ code: 'ssh.auth_refused' });
    expect(reasons).toEqual([undefined, 'ssh.connection_lost', undefined]);
  });

  it('is closed for good, which is no loss', async () => {
    const { transport } = await kept.lend(signal);
    await transport.close();
    await kept.close();
    await settled();
    expect(losses).toBe(0);
    expect(await transport.closed).toBeUndefined();
  });
});
