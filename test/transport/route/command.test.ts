import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { freePort } from '../../../src/provider/local/free-port.js';
import { connectTo } from '../../fakes/ssh-client.js';
import { netcat } from '../../fakes/netcat.js';
import { describeWith } from '../../fakes/parts.js';
import { processEnded } from '../../fakes/processes.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer, type SshServer } from '../../fakes/ssh-server.js';
import { sshdParts, startSshd, type Sshd } from '../../fakes/sshd.js';

let directory: string;
let key: MadeKey;
let server: SshServer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-command-'));
  key = await makeKey(directory, 'id');
  server = await startSshServer();
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const shell = (line: string): [string, ...string[]] => ['/bin/sh', '-c', line];

const through = (argv: readonly [string, ...string[]], options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  connectTo({ host: 'nowhere.invalid', port: 22, keys: [key.path], route: { kind: 'command', argv }, ...options });

/** The line of shell that joins itself with the server, and what it is told beside. */
const joined = (): string =>
  netcat(server.port)
    .map((word) => `"${word}"`)
    .join(' ');

/** Once the file holds the number of a process. */
async function pidIn(name: string): Promise<number> {
  const path = join(directory, name);
  while (!existsSync(path) || (await readFile(path, 'utf8')).trim() === '') await systemClock.sleep(5);
  return Number(await readFile(path, 'utf8'));
}

describe('a command that leads to a server', () => {
  it('carries the session, and the name of the server is for nobody to look up', async () => {
    const { transport } = await through(netcat(server.port));
    await transport.close();
  });

  it.each([
    ['that is not there', ['/no/such/program'] as const, /cannot be started: .*ENOENT/],
    ['that a shell does not find', shell('exec no-such-program'), /ended with exit code 127: .*no-such-program/],
    ['that a shell may not start', shell('exec /etc/passwd'), /ended with exit code 126: .*[Pp]ermission denied/],
  ])('%s is a mistake in the configuration, not to be tried again', async (_which, argv, reason) => {
    await expect(through(argv)).rejects.toMatchObject({
      ...{ code: 'ssh.config_invalid', retryable: false },
      facts: { reason: expect.stringMatching(reason) as string },
    });
  });

  it('and fails before anybody spoke SSH may be tried again, and its last words and its code are told', async () => {
    const argv = shell('cat > /dev/null & echo first >&2; echo "nc: connection refused" >&2; exit 3');
    await expect(through(argv)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: {
        ...{ host: 'nowhere.invalid', port: 22, stage: 'dial', exitCode: 3 },
        reason: 'the proxy command ended with exit code 3: first; nc: connection refused',
      },
    });
  });

  it.each([
    'dev@gate: Permission denied (publickey).',
    'Host key verification failed.',
    '/home/dev/.ssh/config: line 3: Bad configuration option: prot',
    'Unable to negotiate with 10.0.0.7 port 22: no matching host key type found. Their offer: ssh-rsa',
    'channel 0: open failed: administratively prohibited: open failed',
  ])('that is an ssh and ends with %j is not to be tried again', async (words) => {
    const argv = shell(`echo '${words}' >&2; echo 'Connection closed by UNKNOWN port 65535' >&2; exit 255`);
    await expect(through(argv)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: false },
      facts: { reason: expect.stringContaining(words) as string },
    });
  });

  it('may say much, and the last of it is told', async () => {
    const argv = shell('i=0; while [ $i -lt 5000 ]; do echo "line $i, and more of it" >&2; i=$((i+1)); done; exit 1');
    await expect(through(argv)).rejects.toMatchObject({
      facts: {
        reason:
          'the proxy command ended with exit code 1: ' +
          'line 4997, and more of it; line 4998, and more of it; line 4999, and more of it',
      },
    });
  });

  it('that was ended by a signal says so', async () => {
    await expect(through(shell('kill -KILL $$'))).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { reason: 'the proxy command was ended by SIGKILL' },
    });
  });

  it('and ends in the middle of a session has lost it, in a way that passes', async () => {
    const { transport } = await through(shell(`echo $$ > ${directory}/lost; exec ${joined()}`));
    process.kill(await pidIn('lost'), 'SIGKILL');
    expect(await transport.closed).toMatchObject({
      ...{ code: 'ssh.connection_lost', retryable: true },
      facts: { reason: 'the proxy command was ended by SIGKILL' },
    });
  });
});

describeWith([...sshdParts, 'ssh'], 'a command that is an ssh over a host on the way', () => {
  const over = (hop: Sshd, port: number, ...options: string[]) => {
    const own = ['-F', 'none', '-i', key.path, '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes'];
    const trusting = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
    const way = ['-p', String(hop.port), '-l', hop.user, '-W', `127.0.0.1:${port}`, '127.0.0.1'];
    return through(['ssh', ...own, ...trusting, ...options, ...way]);
  };

  it('that forwards nothing is not tried again', async () => {
    await using hop = await startSshd({ authorizedKeys: [key.line], config: ['AllowTcpForwarding no'] });
    await expect(over(hop, server.port)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: false },
      facts: { reason: expect.stringContaining('administratively prohibited') as string },
    });
  });

  it('that has nothing in common with it is not tried again', async () => {
    await using hop = await startSshd({ authorizedKeys: [key.line] });
    const old = ['-o', 'KexAlgorithms=diffie-hellman-group1-sha1'];
    await expect(over(hop, server.port, ...old)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: false },
      facts: { reason: expect.stringContaining('no matching key exchange method') as string },
    });
  });

  it('that does not reach the server yet is tried again', async () => {
    await using hop = await startSshd({ authorizedKeys: [key.line] });
    await expect(over(hop, await freePort())).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
  });
});

describe('the processes of a command', () => {
  it.each([
    ['that go on by themselves', ''],
    ['that take no notice of a hang-up', "trap '' HUP TERM INT PIPE; "],
  ])('%s have ended when the session is closed', async (_which, trap) => {
    const line = `${trap}sleep 1000 & echo $! > ${directory}/child; echo $$ > ${directory}/shell; ${joined()}; sleep 1000`;
    const { transport } = await through(shell(line));
    const pids = [await pidIn('child'), await pidIn('shell')];
    await transport.close();
    await Promise.all(pids.map(processEnded));
    await Promise.all(['child', 'shell'].map((name) => rm(join(directory, name))));
  });

  it('have ended after an attempt that was aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const connecting = through(shell(`echo $$ > ${directory}/aborted; exec sleep 1000`), { signal: controller.signal });
    const pid = await pidIn('aborted');
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await processEnded(pid);
  });

  it('have ended after an attempt whose time was up', async () => {
    const connecting = through(shell(`echo $$ > ${directory}/late; exec sleep 1000`), { timeoutMs: 2_000 });
    await expect(connecting).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { reason: 'no answer within 2 s' },
    });
    await processEnded(await pidIn('late'));
  });
});
