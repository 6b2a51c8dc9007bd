import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../fakes/tcp-servers.js';

let user: BuiltProgram;
let key: MadeKey;
let sshd: Sshd;
let proxy: CuttableProxy;
let workspace: string;

beforeEach(async () => {
  user = new BuiltProgram();
  key = await makeKey(user.directory('keys'), 'id');
  const far = user.directory('far-home');
  workspace = path.join(far, 'project');
  sshd = await startSshd({ authorizedKeys: [key.line], home: far });
  proxy = await startProxy(sshd.port);
  await user.type('add', 'web', `127.0.0.1:${proxy.port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
});
afterEach(async () => {
  await proxy.stop();
  await sshd.stop();
  await user[Symbol.asyncDispose]();
});

const detach = async (...command: string[]): Promise<string> => {
  const { code, stdout } = await user.type('run', '-q', '--detach', ...command);
  expect(code).toBe(0);
  return stdout.trim();
};

describeWith(sshdParts, 'run --detach on a host with OpenSSH', () => {
  it('lands the tree, and what it begins there can be listed, read and attached to', async () => {
    writeFileSync(path.join(user.project.root, 'input'), 'as it is here\n');
    const command = ['sh', '-c', 'cat input; pwd; echo oops >&2; exit 7'];
    const { code, stdout, stderr } = await user.type('run', '--json', '--detach', '-e', 'X=y', '--', ...command);
    expect([code, stderr]).toEqual([0, '']);
    const started = JSON.parse(stdout) as { id: string; startedAt: string };
    const { id, startedAt } = started;
    expect(started).toEqual({ id, sidecar: 'web', workspace, command, startedAt });

    const printed = { stdout: `as it is here\n${user.project.root}\n`, stderr: 'oops\n' };
    expect(await user.type('attach')).toEqual({ code: 7, ...printed });
    expect(await user.type('logs', id.slice(0, 4))).toEqual({ code: 0, ...printed });
    expect((await user.type('logs', '--no-map-paths')).stdout).toBe(`as it is here\n${workspace}\n`);
    expect((await user.type('logs', '--list')).stdout).toContain(`${id}  exited 7  ${startedAt}  cat input;`);
    expect(JSON.parse((await user.type('logs', '--list', '--json')).stdout)).toEqual({
      ...{ sidecar: 'web', workspace },
      runs: [{ id, state: 'exited', code: 7, startedAt, command }],
    });
    const unknown = await user.type('attach', 'x', '--json');
    expect([unknown.code, JSON.parse(unknown.stderr)]).toMatchObject([1, { error: { code: 'run.unknown' } }]);
  });

  it('begins nothing where the sync is refused', async () => {
    mkdirSync(workspace);
    writeFileSync(path.join(workspace, 'theirs'), 'work');
    expect((await user.type('run', '--detach', '--', 'true')).code).toBe(3);
    expect((await user.type('logs')).code).toBe(1);
    expect((await user.type('run', '--detach', '-t', '--', 'true')).code).toBe(2);
  });

  it('is followed to its end over a connection that is lost on the way', async () => {
    await detach('--', 'sh', '-c', 'echo one; until [ -e go ]; do sleep 0.1; done; echo two; exit 5');
    const attached = user.start('attach', '--no-daemon');
    await attached.said('one');
    proxy.reset();
    await attached.said('was lost');
    writeFileSync(path.join(workspace, 'go'), '');
    expect(await attached.ended).toMatchObject({ code: 5, stdout: 'one\ntwo\n' });
  });

  it('is said to go on, perhaps, where Ctrl-C in attach is heard by nobody', async () => {
    const id = await detach('--', 'sh', '-c', 'echo up; exec sleep 1000');
    const attached = user.start('attach', '--no-daemon');
    await attached.said('up');
    proxy.freeze();
    attached.child.kill('SIGINT');
    const { code, stderr } = await attached.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining(`run ${id} may still go on`)]);
    const again = user.start('attach', '--no-daemon');
    await again.said('up');
    again.child.kill('SIGINT');
    const last = await again.ended;
    expect([last.code, last.stderr]).toEqual([130, expect.not.stringContaining('may still')]);
    expect(await user.type('attach', '--no-daemon')).toMatchObject({ code: 130, stdout: 'up\n' });
  });

  it('is left alone by Ctrl-C in logs and a terminal that is closed, and interrupted by Ctrl-C in attach', async () => {
    const id = await detach('--', 'sh', '-c', 'trap "echo interrupted; exit 4" INT; echo up; sleep 1000 & wait');
    for (const [verb, signal] of [
      ['logs', 'SIGINT'],
      ['attach', 'SIGHUP'],
      ['attach', 'SIGTERM'],
    ] as const) {
      const following = user.start(verb, ...(verb === 'logs' ? ['-f'] : []), id);
      await following.said('up');
      following.child.kill(signal);
      expect((await following.ended).code).toBe(130);
      expect((await user.type('logs', '--list')).stdout).toContain(`${id}  running`);
    }
    const attached = user.start('attach', id);
    await attached.said('up');
    attached.child.kill('SIGINT');
    expect((await attached.ended).code).toBe(130);
    expect(await user.type('attach', id)).toMatchObject({ code: 4, stdout: 'up\ninterrupted\n' });
  });
});
