import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { startLocalServer, type LocalServer } from '../../src/provider/local/server.js';
import { transportContract } from '../contract/transport.js';
import { netcat } from '../fakes/netcat.js';
import { memoryTransport, shell } from '../fakes/memory-transport.js';
import { describeWith } from '../fakes/parts.js';
import { connectOpensshTo } from '../fakes/openssh-client.js';
import { connectTo } from '../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { sshdParts, startSshd, type Sshd } from '../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../fakes/tcp-servers.js';
import { startWebSocketBridge, type WebSocketBridge } from '../fakes/websocket-bridge.js';

describe('the in-memory transport', () => {
  transportContract(() => {
    const transport = memoryTransport(shell());
    return Promise.resolve({ transport, cut: () => transport.cut() });
  });
});

describeWith(sshdParts, 'ssh2 with a real sshd', () => {
  let directory: string;
  let key: MadeKey;
  let sshd: Sshd;
  let proxy: CuttableProxy;
  let bridge: WebSocketBridge;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-transport-'));
    key = await makeKey(directory, 'id_ed25519');
    sshd = await startSshd({ authorizedKeys: [key.line], home: directory });
    proxy = await startProxy(sshd.port);
    bridge = await startWebSocketBridge(sshd.port);
  });
  afterAll(async () => {
    await Promise.all([proxy.stop(), bridge.stop()]);
    await sshd.stop();
    await rm(directory, { recursive: true, force: true });
  });

  transportContract(async () => {
    const { transport } = await connectTo({ ...sshd, port: proxy.port, keys: [key.path] });
    return { transport, cut: () => proxy.reset() };
  });

  describe('over two jump hosts', () => {
    transportContract(async () => {
      const keys = [key.path];
      const hop = { ...sshd, keys };
      const { transport } = await connectTo({ ...sshd, keys, over: [{ ...hop, port: proxy.port }, hop] });
      return { transport, cut: () => proxy.reset() };
    });
  });

  describe('over a WebSocket', () => {
    transportContract(async () => {
      const url = `ws://127.0.0.1:${bridge.port}`;
      const { transport } = await connectTo({ ...sshd, keys: [key.path], route: { kind: 'websocket', url } });
      return { transport, cut: () => bridge.cut() };
    });
  });

  describe('over a command', () => {
    transportContract(async () => {
      const route = { kind: 'command', argv: netcat(proxy.port) } as const;
      const { transport } = await connectTo({ ...sshd, keys: [key.path], route });
      return { transport, cut: () => proxy.reset() };
    });
  });
});

describeWith([...sshdParts, 'ssh'], 'OpenSSH with a real sshd', () => {
  let directory: string;
  let key: MadeKey;
  let sshd: Sshd;
  let proxy: CuttableProxy;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-transport-'));
    key = await makeKey(directory, 'id_ed25519');
    sshd = await startSshd({ authorizedKeys: [key.line], home: directory });
    proxy = await startProxy(sshd.port);
  });
  afterAll(async () => {
    await proxy.stop();
    await sshd.stop();
    await rm(directory, { recursive: true, force: true });
  });

  transportContract(async () => {
    const { user, hostKeyLine } = sshd;
    const { transport } = await connectOpensshTo({ port: proxy.port, user, hostKeyLine, keys: [key.path] });
    return { transport, cut: () => proxy.reset() };
  });
});

describeWith(['ssh-keygen'], "ssh2 with the local provider's embedded server", () => {
  let directory: string;
  let key: MadeKey;
  let server: LocalServer;
  let proxy: CuttableProxy;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-transport-'));
    key = await makeKey(directory, 'id_ed25519');
    const hostKey = await readFile((await makeKey(directory, 'host_key')).path, 'utf8');
    server = await startLocalServer({
      port: 0,
      hostKey,
      authorizedKeys: [key.line],
      home: directory,
      env: process.env,
    });
    proxy = await startProxy(server.port);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  transportContract(async () => {
    const { transport } = await connectTo({ port: proxy.port, user: userInfo().username, keys: [key.path] });
    return { transport, cut: () => proxy.reset() };
  }, ssh2Server);
});

/** ssh2's server does not understand what a client says of modes. */
const ssh2Server = { takesModes: false };
