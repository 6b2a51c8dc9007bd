import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { uint32, wireString } from '../../../src/transport/wire-writer.js';
import { connectOpensshTo, type OpensshLogin } from '../../fakes/openssh-client.js';
import { describeWith, findPart } from '../../fakes/parts.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { sshdParts, startSshd, type Sshd } from '../../fakes/sshd.js';
import { startTcpServer } from '../../fakes/tcp-servers.js';

let directory: string;
let key: MadeKey;
let sshd: Sshd;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-openssh-'));
  key = await makeKey(directory, 'id');
  sshd = await startSshd({ authorizedKeys: [key.line] });
});
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
afterEach(() => {
  vi.useRealTimers();
});

/**
 * The real ssh but for its control socket: each connection to it is told these bytes, and nothing else. `telling` is
 * connected to with each of them.
 */
async function sshThatAnswers(bytes: Buffer, telling?: { readonly port: number }): Promise<OpensshLogin> {
  const bin = await mkdtemp(join(directory, 'bin-'));
  const tell = telling === undefined ? '' : `connect(${telling.port}, '127.0.0.1').on('error', () => {})`;
  const program = `#!${process.execPath}
const { spawn } = require('node:child_process');
const { connect, createServer } = require('node:net');
const isSocket = (word) => word.startsWith('ControlPath=');
const args = process.argv.slice(2);
const socket = JSON.parse(args.find(isSocket).slice('ControlPath='.length));
createServer((client) => {
  client.on('error', () => {}).write(Buffer.from('${bytes.toString('hex')}', 'hex'));
  ${tell};
}).listen(socket, () => {
  const its = args.map((word) => (isSocket(word) ? 'ControlPath=' + JSON.stringify(socket + '2') : word));
  const ssh = spawn('${String(findPart('ssh'))}', its, { stdio: 'inherit' });
  ssh.on('exit', (code) => process.exit(code ?? 255));
  process.on('SIGTERM', () => ssh.kill());
});
`;
  await writeFile(join(bin, 'ssh'), program);
  await chmod(join(bin, 'ssh'), 0o755);
  const { port, user, hostKeyLine } = sshd;
  const env = { ...process.env, SSH_AUTH_SOCK: undefined, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  return { port, user, hostKeyLine, keys: [key.path], env };
}

describeWith([...sshdParts, 'ssh'], 'a control socket', () => {
  it('that says nothing after the login ends the attempt in its time', async () => {
    await using told = await startTcpServer(() => void vi.advanceTimersByTime(1_500));
    const login = await sshThatAnswers(Buffer.alloc(0), told);
    // Only the clock of the attempt: sockets need the rest.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await expect(connectOpensshTo({ ...login, timeoutMs: 1_500 })).rejects.toMatchObject({
      code: 'ssh.unreachable',
      facts: { stage: 'auth', reason: 'no answer within 1.5 s' },
    });
  });

  it('that says nothing after the login does not keep an attempt from being aborted', async () => {
    const login = await sshThatAnswers(Buffer.alloc(0));
    const reason = new Error('enough');
    const stop = new AbortController();
    const attempt = connectOpensshTo({ ...login, signal: stop.signal, onHostKey: () => stop.abort(reason) });
    await expect(attempt).rejects.toBe(reason);
  });

  it.each([
    ['cut short', wireString(Buffer.from([0, 0])), 'an answer that is cut short'],
    ['of another version', wireString(Buffer.concat([uint32(1), uint32(5)])), 'another version of its protocol'],
  ])('whose greeting is %s is told as that', async (_, greeting, what) => {
    const attempt = connectOpensshTo(await sshThatAnswers(greeting));
    const reason = expect.stringContaining(what) as string;
    await expect(attempt).rejects.toMatchObject({ code: 'ssh.protocol', facts: { reason } });
  });
});
