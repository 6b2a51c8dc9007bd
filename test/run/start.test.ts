import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { startLocalServer, type LocalServer } from '../../src/provider/local/server.js';
import { describeWith } from '../fakes/parts.js';
import { removeDirectory } from '../fakes/remove-directory.js';
import { connectTo } from '../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../fakes/tcp-servers.js';
import { runContract, type FarRuns } from './contract.js';
import { detachedContract } from './detached-contract.js';
import { executionContract } from './execution-contract.js';

describeWith(sshdParts, 'a command on a real sshd', () => {
  let directory: string;
  let key: MadeKey;
  let sshd: Sshd;
  let proxy: CuttableProxy;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-run-'));
    key = await makeKey(directory, 'id');
    sshd = await startSshd({ authorizedKeys: [key.line], home: directory });
    proxy = await startProxy(sshd.port);
  });
  afterAll(async () => {
    await proxy.stop();
    await sshd.stop();
    removeDirectory(directory); // a supervisor may be writing its last word
  });

  const open = async (): Promise<FarRuns> => {
    const { transport } = await connectTo({ ...sshd, port: proxy.port, keys: [key.path] });
    return { transport, cut: () => proxy.reset() };
  };
  describe('on its own', () => runContract(open));
  describe('with input', () => executionContract(open));
  describe('without a connection', () => detachedContract({ open, home: () => directory }));
});

describe('a command on a local sidecar', () => {
  let directory: string;
  let key: MadeKey;
  let server: LocalServer;
  let proxy: CuttableProxy;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-run-'));
    key = await makeKey(directory, 'id');
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
    removeDirectory(directory); // a supervisor may be writing its last word
  });

  const open = async (): Promise<FarRuns> => {
    const { transport } = await connectTo({ port: proxy.port, user: userInfo().username, keys: [key.path] });
    return { transport, cut: () => proxy.reset() };
  };
  describe('on its own', () => runContract(open));
  describe('with input', () => executionContract(open));
  describe('without a connection', () => detachedContract({ open, home: () => directory }));
});
