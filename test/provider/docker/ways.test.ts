import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createPlain, connect, type Server } from 'node:net';
import { createServer as createSecure } from 'node:tls';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dockerProvider } from '../../../src/provider/docker.js';
import type { ProviderOptions } from '../../../src/provider/provider.js';
import { describeWithEngine } from '../../fakes/docker.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';
import { makeKey } from '../../fakes/ssh-keys.js';
import { startSshd, type Sshd } from '../../fakes/sshd.js';
import { EngineBed } from './bed.js';

describeWithEngine('docker', 'an engine that is reached', () => {
  let bed: EngineBed;
  let place: Scratch;
  const servers: Server[] = [];
  beforeAll(async () => {
    bed = await EngineBed.start('docker');
    place = scratch();
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await bed[Symbol.asyncDispose]();
    place.remove();
  });

  const join = (client: Duplex): void => {
    const engine = connect(bed.docker.host.replace('unix://', ''));
    for (const each of [client, engine]) each.on('error', () => undefined);
    client.pipe(engine).once('close', () => client.destroy());
    engine.pipe(client).once('close', () => engine.destroy());
  };

  async function portOf(server: Server): Promise<number> {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Makes a machine, logs in to it and deletes it, all of it over that way; the second time by what is kept of it. */
  async function use(env: NodeJS.ProcessEnv, options: ProviderOptions = {}): Promise<string> {
    const surroundings = { env: { PATH: process.env['PATH'], ...env }, homeDir: place.path };
    const first = await dockerProvider(surroundings);
    const wanted = await bed.spec('web', options);
    const machine = await first.create(wanted);
    if (env['DOCKER_HOST']?.startsWith('ssh:') === true) expect(machine.ssh?.endpoint).toEqual({ kind: 'connect' });
    const later = await dockerProvider({ env: { PATH: surroundings.env.PATH }, homeDir: '/', place: first.place });
    try {
      const { connect: open } = later;
      if (open === undefined) throw new Error('it cannot connect');
      return await bed.run(machine, wanted, 'head -c 3000000 /dev/zero | wc -c', (signal) => open(machine, { signal }));
    } finally {
      await later.delete(machine);
      expect(bed.containers()).toEqual([]);
    }
  }

  it('over TCP is as good as any', async () => {
    const port = await portOf(createPlain({ allowHalfOpen: true }, join));
    expect(await use({ DOCKER_HOST: `tcp://127.0.0.1:${port}` })).toBe('3000000');
  });

  it('over TLS shows a certificate of its own, and is shown one', async () => {
    const at = (name: string): string => path.join(place.path, 'certs', name);
    mkdirSync(at(''), { recursive: true });
    makeCertificates(at);
    const [key, cert, ca] = ['server-key.pem', 'server.pem', 'ca.pem'].map((name) => readFileSync(at(name)));
    const server = createSecure(
      { key, cert, ca, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true },
      join,
    );
    const DOCKER_HOST = `tcp://127.0.0.1:${await portOf(server)}`;
    expect(await use({ DOCKER_HOST, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: at('') })).toBe('3000000');
    await expect(use({ DOCKER_HOST, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nonexistent' })).rejects.toMatchObject({
      code: 'provider.unavailable',
      retryable: false,
      facts: { reason: expect.stringContaining('TLS') as string },
    });
  });

  it('over ssh is found by the docker command of the machine there', async () => {
    const key = await makeKey(place.path, 'login');
    const sshd: Sshd = await startSshd({ authorizedKeys: [key.line] });
    try {
      const options = ['-F', 'none', '-o', `IdentityFile=${key.path}`, '-o', 'IdentitiesOnly=yes'];
      const known = ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${path.join(place.path, 'known')}`];
      writeFileSync(path.join(place.path, 'known'), `[127.0.0.1]:${sshd.port} ${sshd.hostKeyLine}\n`);
      const bin = path.join(place.path, 'bin');
      mkdirSync(bin);
      // Where the user's own configuration would be.
      writeFileSync(path.join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${[...options, ...known].join(' ')} "$@"\n`);
      chmodSync(path.join(bin, 'ssh'), 0o755);
      const PATH = `${bin}${path.delimiter}${process.env['PATH'] ?? ''}`;
      const socket = bed.docker.host.replace('unix://', '');
      process.env['PATH'] = PATH;
      const DOCKER_HOST = `ssh://${sshd.user}@127.0.0.1:${sshd.port}${socket}`;
      expect(await use({ PATH, DOCKER_HOST })).toBe('3000000');
      // The name of its machine may be one that only ssh knows.
      expect(await use({ PATH, DOCKER_HOST }, { publish: '0.0.0.0:0' })).toBe('3000000');
      writeFileSync(path.join(place.path, 'known'), '');
      await expect(use({ PATH, DOCKER_HOST: `ssh://${sshd.user}@127.0.0.1:${sshd.port}` })).rejects.toMatchObject({
        code: 'provider.unavailable',
        facts: { reason: expect.stringContaining('Host key verification failed') as string },
      });
    } finally {
      await sshd.stop();
    }
  });
});

/** An authority, a server and a client of it. */
function makeCertificates(at: (name: string) => string): void {
  const openssl = (...argv: string[]): void => void execFileSync('openssl', argv, { stdio: 'ignore' });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...fresh, '-keyout', at('ca-key.pem'), '-out', at('ca.pem'), '-subj', '/CN=authority');
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n');
  for (const [key, cert] of [
    ['server-key.pem', 'server.pem'],
    ['key.pem', 'cert.pem'],
  ] as const) {
    openssl('req', ...fresh, '-keyout', at(key), '-out', at('request'), '-subj', `/CN=${cert}`);
    const by = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial'];
    openssl('x509', '-req', '-in', at('request'), ...by, '-extfile', at('names'), '-out', at(cert));
  }
}
