import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram, type Running } from '../fakes/built-program.js';
import { processEnded } from '../fakes/processes.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../fakes/tcp-servers.js';

describeWith(sshdParts, 'exec through the daemon', () => {
  let user: BuiltProgram;
  let sshd: Sshd;
  let proxy: CuttableProxy;

  beforeEach(async () => {
    user = new BuiltProgram({ daemon: true });
    const key = await makeKey(user.directory('keys'), 'id');
    const far = user.directory('far-home');
    mkdirSync(path.join(far, 'project'));
    sshd = await startSshd({ authorizedKeys: [key.line], home: far });
    proxy = await startProxy(sshd.port);
    await user.type('add', 'web', `127.0.0.1:${proxy.port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
    await user.type('wait');
    // The daemon that it started has a session of its own from here on.
    await user.type('wait');
    await user.restedDaemon();
  });
  afterEach(async () => {
    await user[Symbol.asyncDispose]();
    await proxy.stop();
    await sshd.stop();
  });

  const exec = (...command: string[]): Running => user.start('exec', '--', ...command);
  const sh = (line: string): Running => exec('sh', '-c', line);
  const pidIn = (said: string): number => Number(/pid (\d+)/.exec(said)?.[1]);

  it('opens no connection, and gives input, output, errors and exit code as they are', async () => {
    const before = proxy.connections;
    for (const input of ['one', 'two']) {
      const running = sh('cat; echo err >&2; exit 7');
      running.child.stdin?.end(input);
      expect(await running.ended).toEqual({ code: 7, stdout: input, stderr: 'err\n' });
    }
    const running = sh('kill -TERM $$');
    running.child.stdin?.end();
    expect((await running.ended).code).toBe(143);
    expect(proxy.connections).toBe(before);
  });

  it('carries megabytes both ways, exactly', async () => {
    const bytes = randomBytes(20_000_000);
    writeFileSync(path.join(user.project.root, 'large'), bytes);
    const line = '"$@" exec -- cat < large | sha256sum';
    const said = await user.startProgram('sh', ['-c', line, 'sh', ...user.command()]).ended;
    expect(said.stdout).toContain(createHash('sha256').update(bytes).digest('hex'));
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('ends what runs over there on %s', async (signal) => {
    const running = sh('echo "pid $$ runs"; sleep 1000 & wait; sleep 1000');
    await running.said('runs');
    running.child.kill(signal);
    const { code, stdout } = await running.ended;
    expect(code).toBe(signal === 'SIGKILL' ? 0 : 130);
    await processEnded(pidIn(stdout));
  });

  it('ends with 255 when the daemon is killed, and what runs over there ends', async () => {
    const { pid } = await user.restedDaemon();
    const running = sh('echo "pid $$ runs"; exec sleep 1000');
    await running.said('runs');
    process.kill(pid, 'SIGKILL');
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(255);
    expect(stderr).toContain('the daemon ended');
    await processEnded(pidIn(stdout));
  });

  it('ends with 255 when the daemon hangs', async () => {
    const { pid } = await user.restedDaemon();
    const running = sh('echo "pid $$ runs"; exec sleep 1000');
    await running.said('runs');
    process.kill(pid, 'SIGSTOP');
    const { code, stdout, stderr } = await running.ended;
    process.kill(pid, 'SIGKILL');
    expect(code).toBe(255);
    expect(stderr).toContain('the daemon does not answer');
    await processEnded(pidIn(stdout));
  });

  it('goes on without a daemon that hangs before the command has begun', async () => {
    const { pid } = await user.restedDaemon();
    process.kill(pid, 'SIGSTOP');
    const running = sh('echo ran >> times; cat times');
    running.child.stdin?.end();
    const { code, stdout } = await running.ended;
    process.kill(pid, 'SIGKILL');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' });
  });

  it('runs more commands at a time than one connection takes', async () => {
    const running = Array.from({ length: 8 }, (_, at) => sh(`cat; echo ${at}`));
    for (const one of running) one.child.stdin?.write('x');
    for (const one of running) one.child.stdin?.end();
    const said = await Promise.all(running.map((one) => one.ended));
    expect(said).toEqual(running.map((_, at) => ({ code: 0, stdout: `x${at}\n`, stderr: '' })));
  });
});
