import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { message } from '../../../src/transport/openssh/messages.js';
import { windowBytes, type WireChannel } from '../../../src/transport/openssh/wire-channel.js';
import { OpenRefused, WireConnection } from '../../../src/transport/openssh/wire-connection.js';
import { boolean, uint32, wireString } from '../../../src/transport/wire-writer.js';

/** What no sshd does: odd timing and odd manners, byte by byte. */

let stream: Duplex;
let sent: Buffer;
let broken: Error[];
let connection: WireConnection;

beforeEach(() => {
  [sent, broken] = [Buffer.alloc(0), []];
  stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      sent = Buffer.concat([sent, chunk]);
      done();
    },
  });
  connection = new WireConnection(stream, { onBroken: (error) => broken.push(error) });
});

const frame = (type: number, ...parts: Buffer[]): Buffer =>
  wireString(Buffer.concat([Buffer.from([0, type]), ...parts]));
const remoteId = 7;

/** The first channel, on which the far side has room for so many bytes. */
async function opened(room = windowBytes): Promise<WireChannel> {
  const opening = connection.open('session');
  stream.push(frame(message.channelOpenConfirmation, uint32(0), uint32(remoteId), uint32(room), uint32(32_768)));
  const channel = await opening;
  sent = Buffer.alloc(0);
  return channel;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a connection', () => {
  it('reads frames whatever pieces they arrive in', async () => {
    const channel = await opened();
    const bytes = Buffer.concat([
      frame(message.channelData, uint32(0), wireString('out')),
      frame(message.channelExtendedData, uint32(0), uint32(1), wireString('err')),
      frame(message.channelRequest, uint32(0), wireString('exit-status'), boolean(false), uint32(3)),
      frame(message.channelClose, uint32(0)),
    ]);
    for (const byte of bytes) stream.push(Buffer.from([byte]));
    expect(await Promise.all([text(channel.stdout), text(channel.stderr)])).toEqual(['out', 'err']);
    expect(await channel.ended).toEqual({ kind: 'code', code: 3 });
    expect(sent).toEqual(frame(message.channelClose, uint32(remoteId)));
  });

  it('passes on why no channel was opened', async () => {
    const opening = connection.open('session');
    const words = [wireString('no more'), wireString('')];
    stream.push(frame(message.channelOpenFailure, uint32(0), uint32(4), ...words));
    await expect(opening).rejects.toMatchObject({ name: OpenRefused.name, reason: 4, message: 'no more' });
  });

  it.each([
    ['a frame that is too long', Buffer.from([0x7f, 0, 0, 0])],
    ['a message that is cut', frame(message.channelData, uint32(0), uint32(100))],
  ])('is broken by %s', async (_what, bytes) => {
    await opened();
    stream.push(bytes);
    await turn();
    expect(broken).toMatchObject([{ name: 'RangeError' }]);
  });

  it('is broken by more than was allowed to be sent', async () => {
    await opened();
    const chunk = Buffer.alloc(32_768);
    for (let left = 2 * windowBytes; left >= 0; left -= chunk.length) {
      stream.push(frame(message.channelData, uint32(0), wireString(chunk)));
    }
    await turn();
    expect(broken).toMatchObject([{ message: 'the server sent more than it may' }]);
  });

  it('does not mind what is for a channel that is gone, or never was', async () => {
    stream.push(frame(message.channelData, uint32(99), wireString('late')));
    stream.push(frame(message.channelOpenConfirmation, uint32(99), uint32(1), uint32(1), uint32(1)));
    await turn();
    expect(broken).toEqual([]);
  });
});

describe('a channel', () => {
  it('sends no more than there is room for, and the rest when there is', async () => {
    const channel = await opened(3);
    channel.stdin.write('hello');
    await turn();
    expect(sent).toEqual(frame(message.channelData, uint32(remoteId), wireString('hel')));
    sent = Buffer.alloc(0);
    stream.push(frame(message.channelWindowAdjust, uint32(0), uint32(10)));
    await turn();
    expect(sent).toEqual(frame(message.channelData, uint32(remoteId), wireString('lo')));
  });

  it('says no to whatever the far side asks of it', async () => {
    await opened();
    stream.push(frame(message.channelRequest, uint32(0), wireString('keepalive@openssh.com'), boolean(true)));
    await turn();
    expect(sent).toEqual(frame(message.channelFailure, uint32(remoteId)));
  });

  it('that is closed over there answers what was asked of it with no', async () => {
    const channel = await opened();
    const asking = channel.request('exec', wireString('true'));
    stream.push(frame(message.channelClose, uint32(0)));
    expect(await asking).toBe(false);
    expect(await channel.request('exec', wireString('true'))).toBe(false);
  });
});
