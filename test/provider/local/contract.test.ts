import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { accountName } from '../../../src/provider/local/account.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { startLocalServer, type LocalServer } from '../../../src/provider/local/server.js';
import { writePrivateFile } from '../../../src/files/private-files.js';
import { transportContract } from '../../contract/transport.js';
import { connectTo } from '../../fakes/ssh-client.js';
import { startProxy, type CuttableProxy } from '../../fakes/tcp-servers.js';

describe('ssh2 with the embedded server', () => {
  let home: string;
  let server: LocalServer;
  let proxy: CuttableProxy;
  let key: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'sidecar-embedded-'));
    const [hostKeys, clientKeys] = await Promise.all([generateKeyPair(), generateKeyPair()]);
    key = join(home, 'client_key');
    await writePrivateFile(key, clientKeys.privateKey);
    const { privateKey: hostKey } = hostKeys;
    server = await startLocalServer({
      port: 0,
      hostKey,
      authorizedKeys: [clientKeys.publicKey],
      home,
      env: process.env,
    });
    proxy = await startProxy(server.port);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.close();
    await rm(home, { recursive: true });
  });

  transportContract(async () => {
    const { transport } = await connectTo({ port: proxy.port, user: accountName(), keys: [key] });
    return { transport, cut: () => proxy.reset() };
  }, ssh2Server);
});

/** ssh2's server does not understand what a client says of modes. */
const ssh2Server = { takesModes: false };
