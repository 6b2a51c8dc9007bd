import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { listAgentKeys } from '../../src/transport/agent-keys.js';
import { describeWith } from '../fakes/parts.js';
import { startAgent } from '../fakes/ssh-agent.js';
import { makeKey } from '../fakes/ssh-keys.js';

const run = promisify(execFile);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-agent-keys-'));
  return () => rm(directory, { recursive: true });
});

describeWith(['ssh-keygen', 'ssh-agent', 'ssh-add'], 'an ssh-agent', () => {
  it('lists its keys with their comments and signs with each of them', async () => {
    const agent = await startAgent(directory);
    try {
      const [ed25519, rsa] = await Promise.all([
        makeKey(directory, 'ed25519', { comment: 'me@home' }),
        makeKey(directory, 'rsa', { type: 'rsa', bits: 2048 }),
      ]);
      await agent.add(ed25519.path);
      await agent.add(rsa.path);
      const { keys, passedOver } = await listAgentKeys(agent.socket);
      expect(passedOver).toEqual([]);
      expect(keys.map(({ comment, key }) => [comment, key.getPublicSSH()])).toEqual([
        ['me@home', ed25519.blob],
        ['rsa', rsa.blob],
      ]);
      const data = Buffer.from('to be signed');
      expect(keys[0]?.key.verify(data, await keys[0].sign(data, undefined))).toBe(true);
      expect(keys[1]?.key.verify(data, await keys[1].sign(data, 'sha512'), 'sha512')).toBe(true);
    } finally {
      await agent.stop();
    }
  });

  it('names a certificate that it holds, which cannot be used', async () => {
    const agent = await startAgent(directory);
    try {
      const [authority, key] = await Promise.all([makeKey(directory, 'authority'), makeKey(directory, 'key')]);
      await run('ssh-keygen', ['-q', '-s', authority.path, '-I', 'me', '-n', 'dev', `${key.path}.pub`]);
      await agent.add(key.path);
      const { keys, passedOver } = await listAgentKeys(agent.socket);
      expect(keys).toHaveLength(1);
      expect(passedOver).toEqual(['agent: key (keys of type ssh-ed25519-cert-v01@openssh.com are not supported)']);
    } finally {
      await agent.stop();
    }
  });

  it('that does not sign for the key any more is an error of that signature', async () => {
    const agent = await startAgent(directory);
    try {
      await agent.add((await makeKey(directory, 'key')).path);
      const { keys } = await listAgentKeys(agent.socket);
      await agent.add('-D');
      await expect(keys[0]?.sign(Buffer.from('data'), undefined)).rejects.toThrow('Agent responded with failure');
    } finally {
      await agent.stop();
    }
  });
});

describe('a socket that is no ssh-agent', () => {
  const limits = { listMs: 50, signMs: 50 };

  /** Lists the keys of a server that does `act` with every connection. */
  async function listFrom(act: (socket: Socket) => void, listLimits?: typeof limits): Promise<readonly string[]> {
    const path = join(directory, 'socket');
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      act(socket);
    }).listen(path);
    await once(server, 'listening');
    try {
      const { keys, passedOver } = await listAgentKeys(path, listLimits);
      expect(keys).toEqual([]);
      return passedOver.map((reason) => reason.replace(path, 'SOCKET'));
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    }
  }

  it('and says nothing is waited for no longer than the limit', async () => {
    expect(await listFrom(() => undefined, limits)).toEqual(['ssh-agent at SOCKET (no answer in 0.05 s)']);
  });

  it('and stops in the middle of an answer is waited for no longer either', async () => {
    const act = (socket: Socket) => void socket.write(Buffer.from([0, 0, 1, 0, 12]));
    expect(await listFrom(act, limits)).toEqual(['ssh-agent at SOCKET (no answer in 0.05 s)']);
  });

  it.each([
    ['hangs up', (socket: Socket) => void socket.resume().end(), 'it gave no usable answer'],
    ['refuses', (socket: Socket) => void socket.write(Buffer.from([0, 0, 0, 1, 5])), 'it refused to list its keys'],
    ['promises a giant answer', (socket: Socket) => void socket.write('HTTP/1.1'), 'it gave no usable answer'],
    [
      'promises more keys than it sends',
      (socket: Socket) => void socket.write(Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 9])),
      '4 bytes are missing',
    ],
  ])('and %s is passed over', async (_what, act, reason) => {
    expect(await listFrom(act)).toEqual([`ssh-agent at SOCKET (${reason})`]);
  });

  it('or is not there at all is passed over', async () => {
    const socket = join(directory, 'missing');
    expect(await listAgentKeys(socket)).toEqual({
      keys: [],
      passedOver: [`ssh-agent at ${socket} (Failed to connect to agent)`],
      foreign: [],
    });
  });
});
