import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Connection, ServerChannel, Session } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transport } from '../../../src/transport/transport.js';
import { connectTo } from '../../fakes/ssh-client.js';
import { makeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { startProxy, type CuttableProxy } from '../../fakes/tcp-servers.js';

/** What the contract cannot ask of every server: odd timing and odd manners. */

let directory: string;
let keys: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-transport-'));
  keys = [(await makeKey(directory, 'id')).path];
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Far {
  readonly transport: Transport;
  readonly proxy: CuttableProxy;
}

/** Connects to a server that does this with each session that is opened on it. */
async function withServer(
  onSession: (session: Session, connection: Connection) => void,
  test: (far: Far) => Promise<void>,
): Promise<void> {
  await using server = await startSshServer({ onSession });
  await using proxy = await startProxy(server.port);
  const { transport } = await connectTo({ port: proxy.port, keys });
  try {
    await test({ transport, proxy });
  } finally {
    await transport.close();
  }
}

/** Runs every command with this. */
function onExec(run: (channel: ServerChannel, command: string) => void): (session: Session) => void {
  return (session) => void session.on('exec', (accept, _reject, { command }) => run(accept(), command));
}

describe('a command', () => {
  it('whose output, exit status and end come in one packet loses none of them', async () => {
    const answer = onExec((channel) => {
      channel.write('out');
      channel.stderr.write('err');
      channel.exit(3);
      channel.close();
    });
    await withServer(answer, async ({ transport }) => {
      for (let round = 0; round < 20; round += 1) {
        const channel = await transport.exec('any');
        expect(await channel.exit).toEqual({ kind: 'code', code: 3 });
        expect([await text(channel.stdout), await text(channel.stderr)]).toEqual(['out', 'err']);
      }
    });
  });

  it('that the server will not run is ssh.channel_refused, and the connection goes on', async () => {
    const answer = (session: Session): void => {
      session.on('exec', (accept, reject, { command }) => {
        if (command === 'bad') {
          reject();
          return;
        }
        const channel = accept();
        channel.exit(0);
        channel.end();
      });
    };
    await withServer(answer, async ({ transport }) => {
      await expect(transport.exec('bad')).rejects.toMatchObject({ code: 'ssh.channel_refused', retryable: false });
      const channel = await transport.exec('good');
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
    });
  });

  it('that ends without an exit status is ssh.connection_lost, though the connection goes on', async () => {
    const answer = onExec((channel, command) => {
      channel.write(`${command} was here`);
      if (command === 'orderly') channel.exit(0);
      channel.end();
    });
    await withServer(answer, async ({ transport }) => {
      const channel = await transport.exec('silent');
      await expect(channel.exit).rejects.toMatchObject({
        code: 'ssh.connection_lost',
        retryable: undefined,
        facts: { reason: 'the command ended without an exit status' },
      });
      const next = await transport.exec('orderly');
      expect(await text(next.stdout)).toBe('orderly was here');
      expect(await next.exit).toEqual({ kind: 'code', code: 0 });
    });
  });

  it('that ended before the connection was lost keeps its exit status and its unread output', async () => {
    const output = 'x'.repeat(1_000_000);
    const answer = onExec((channel, command) => {
      if (command === 'big') channel.write(output);
      channel.exit(4);
      channel.end();
    });
    await withServer(answer, async ({ transport, proxy }) => {
      const big = await transport.exec('big');
      // Everything about the first command has arrived when the second, on the same connection, has ended.
      await (
        await transport.exec('small')
      ).exit;
      proxy.reset();
      await transport.closed;
      expect(await text(big.stdout)).toBe(output);
      expect(await big.exit).toEqual({ kind: 'code', code: 4 });
    });
  });

  it.each(['reset', 'finish'] as const)(
    'that leaves megabytes unread when the connection is lost (%s) breaks nothing',
    async (ending) => {
      const answer = onExec((channel, command) => {
        if (command === 'endless') return void channel.write(Buffer.alloc(8_000_000));
        channel.exit(0);
        channel.end();
      });
      await withServer(answer, async ({ transport, proxy }) => {
        const channel = await transport.exec('endless');
        for (let trip = 0; trip < 10; trip += 1) await (await transport.exec('small')).exit;
        proxy[ending]();
        await transport.closed;
        await expect(text(channel.stdout)).rejects.toMatchObject({ code: 'ssh.connection_lost' });
        // Anything that ssh2 still does with them would throw where nothing can catch it.
        await new Promise((resolve) => setImmediate(resolve));
      });
    },
  );

  it('is lost as soon as the server hangs up, though megabytes are still to be sent to it', async () => {
    await withServer(
      onExec(() => undefined),
      async ({ transport, proxy }) => {
        const channels = await Promise.all(Array.from({ length: 8 }, () => transport.exec('any')));
        proxy.freeze();
        for (const channel of channels) channel.stdin.write(Buffer.alloc(2_000_000));
        proxy.finish();
        expect(await transport.closed).toMatchObject({ code: 'ssh.connection_lost', retryable: true });
        for (const { exit } of channels) await expect(exit).rejects.toMatchObject({ code: 'ssh.connection_lost' });
      },
    );
  });

  it('whose server closes the channel under a write that waits for window space breaks off the write', async () => {
    const answer = onExec((channel) => {
      channel.exit(5);
      channel.close();
    });
    await withServer(answer, async ({ transport }) => {
      const channel = await transport.exec('any');
      const answered = new Promise((resolve) => channel.stdin.write(Buffer.alloc(8_000_000), resolve));
      expect(await channel.exit).toEqual({ kind: 'code', code: 5 });
      expect(await answered).toMatchObject({ code: 'EPIPE' });
    });
  });
});

describe('a forwarded connection', () => {
  it('that the server closes at once still gives all that it said, however late it is read', async () => {
    const output = 'x'.repeat(1_000_000);
    await using server = await startSshServer({ onForward: (channel) => channel.end(output) });
    const { transport } = await connectTo({ port: server.port, keys });
    const target = { host: 'anywhere', port: 80 };
    const [late, early] = [await transport.forward(target), await transport.forward(target)];
    // The first has been closed by the server when the second, on the same connection, was read to its end.
    expect(await text(early)).toBe(output);
    const closed = once(late, 'close');
    expect(await text(late)).toBe(output);
    await closed;
    await transport.close();
  });
});

describe('opening a channel', () => {
  /** A server that lets a command wait until told to go on. */
  function waitingServer(): {
    onSession: (session: Session) => void;
    asked: Promise<unknown>;
    goOn: () => void;
    closed: Promise<unknown>;
  } {
    const events = new EventEmitter();
    const onSession = (session: Session): void => {
      session.on('exec', (accept) => {
        events.emit('asked');
        events.once('go on', () => {
          const channel = accept();
          channel.on('close', () => events.emit('closed')).resume();
        });
      });
    };
    return {
      onSession,
      asked: once(events, 'asked'),
      goOn: () => void events.emit('go on'),
      closed: once(events, 'closed'),
    };
  }

  it('that is aborted rejects at once, and a channel that opens late is closed', async () => {
    const reason = new Error('Ctrl-C');
    const { onSession, asked, goOn, closed } = waitingServer();
    await withServer(onSession, async ({ transport }) => {
      const controller = new AbortController();
      const opening = transport.exec('any', { signal: controller.signal });
      await asked;
      controller.abort(reason);
      await expect(opening).rejects.toBe(reason);
      goOn();
      await closed;
    });
  });

  it('that the connection does not survive is ssh.connection_lost', async () => {
    const { onSession, asked, closed } = waitingServer();
    closed.catch(() => undefined);
    await withServer(onSession, async ({ transport, proxy }) => {
      const opening = transport.exec('any');
      await asked;
      proxy.reset();
      await expect(opening).rejects.toMatchObject({ code: 'ssh.connection_lost', retryable: true });
    });
  });
});
