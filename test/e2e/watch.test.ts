import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram, type Running } from '../fakes/built-program.js';
import { processEnded } from '../fakes/processes.js';
import { canUseNamespaces } from '../fakes/namespace.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts } from '../fakes/sshd.js';
import { startProxy } from '../fakes/tcp-servers.js';
import { unusedPort } from '../fakes/unused-port.js';

let user: BuiltProgram;
const watches: Running[] = [];
beforeEach(() => {
  user = new BuiltProgram();
  user.project.write('file', 'one\n');
  user.project.commit();
});
afterEach(async () => {
  for (const { child } of watches.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  await user[Symbol.asyncDispose]();
});

function watch(...argv: string[]): Running {
  const running = user.start('watch', ...argv);
  watches.push(running);
  return running;
}

/** Documents on a stream, one a line. */
const documents = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

const interrupted = async (running: Running): Promise<{ code: number; stdout: string; stderr: string }> => {
  running.child.kill('SIGINT');
  return running.ended;
};

describe('watch', () => {
  it('lands the tree and then each change, between lines that an editor can wait for', async () => {
    await user.type('create', 'web');
    const { workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult;
    const watching = watch();
    await watching.said('already in step');
    user.project.replace('file', 'two\n');
    await watching.said('1 changed');
    expect(readFileSync(path.join(workspace, 'file'), 'utf8')).toBe('two\n');
    user.project.write('more/and/more', 'x\n');
    await watching.said('1 added');
    rmSync(path.join(user.project.root, 'file'));
    await watching.said('1 deleted');

    const { code, stdout, stderr } = await interrupted(watching);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe(`sidecar: watching ${user.project.root} for web`);
    expect(lines.at(-1)).toBe('sidecar: interrupted');
    for (let at = 1; at < lines.length - 1; at += 2) {
      expect(lines[at]).toBe('sidecar: landing…');
      expect(lines[at + 1]).toMatch(/^sidecar: landed on web:\/.* in .* s, tree [0-9a-f]{10} proved$/);
    }
  });

  it('prints with --json the document of a sync for each landing, and one for each end of the command', async () => {
    await user.type('create', 'web');
    const watching = watch('--json', '--', 'sh', '-c', 'cat file; exit 3');
    await watching.said('"code":3');
    user.project.replace('file', 'two\n');
    await watching.said('two');
    await watching.said('"modified":1');
    const { code, stdout, stderr } = await interrupted(watching);
    expect(code).toBe(130);
    const [first, run, second] = documents(stdout);
    expect(first).toMatchObject({ sidecar: 'web', verified: true, warm: false, changed: { added: 1 } });
    expect(run).toMatchObject({ sidecar: 'web', run: { command: ['sh', '-c', 'cat file; exit 3'], code: 3 } });
    expect(second).toMatchObject({ warm: true, attempts: 1, changed: { modified: 1 } });
    expect(stderr).toMatch(/^one\ntwo\n\{"error":\{"code":"interrupted".*\}\n$/);
  });

  it('runs a command on each landing that changed something, and stops the one that has become stale', async () => {
    await user.type('create', 'web');
    const watching = watch('--', 'sh', '-c', 'echo "$$ runs on $(cat file)"; sleep 1000; echo never');
    await watching.said('runs on one');
    user.project.replace('file', 'two\n');
    await watching.said('runs on two');
    const { code, stdout, stderr } = await interrupted(watching);
    expect(code).toBe(130);
    expect(stdout).toMatch(/^\d+ runs on one\n\d+ runs on two\n$/);
    expect(stderr).toContain('there is a newer landing');
    for (const [, pid = ''] of stdout.matchAll(/^(\d+)/gm)) await processEnded(Number(pid));
  });

  it('ends with 3 where drift is refused', async () => {
    await user.type('create', 'web');
    const { workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult;
    const watching = watch('--drift', 'refuse');
    await watching.said('already in step');
    writeFileSync(path.join(workspace, 'file'), 'edited over there\n');
    user.project.write('other', 'x\n');
    const { code, stdout, stderr } = await watching.ended;
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('sidecar: landing…\nsidecar: ');
    expect(stderr).toContain('file (modified)');
  });

  it('ends with 130 while it waits for a machine to boot', async () => {
    await user.type('create', 'web', '--boot-delay', '60');
    const watching = watch();
    await watching.said('trying for up to 90 s');
    expect(await interrupted(watching)).toMatchObject({ code: 130, stdout: '' });
  });
});

describeWith(sshdParts, 'watch on a host with OpenSSH', () => {
  it('survives a machine that cannot be reached, and lands at the next change', async () => {
    const [key, port] = [await makeKey(user.directory('keys'), 'id'), await unusedPort()];
    await user.type('add', 'web', `127.0.0.1:${port}`, '--identity', key.path);
    const watching = watch('--connect-timeout', '3s');
    await watching.said('sidecar: not landed: cannot reach web');
    await using sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far-home'), port });
    user.project.replace('file', 'two\n');
    await watching.said('sidecar: landed on web');
    expect((await interrupted(watching)).code).toBe(130);
    expect(sshd.log()).toContain('Accepted publickey');
  });

  it('opens a lost connection again, says so once, and lands what changed meanwhile', async () => {
    const key = await makeKey(user.directory('keys'), 'id');
    const far = user.directory('far-home');
    await using sshd = await startSshd({ authorizedKeys: [key.line], home: far });
    await using proxy = await startProxy(sshd.port);
    await user.type('add', 'web', `127.0.0.1:${proxy.port}`, '--identity', key.path);
    const watching = watch('--', 'sh', '-c', 'echo "$$ runs"; exec sleep 1000');
    await watching.said('runs');
    proxy.reset();
    await watching.said('the connection to web was lost');
    user.project.replace('file', 'two\n');
    await watching.said('connected again');
    await watching.said('1 changed');
    const { code, stdout, stderr } = await interrupted(watching);
    expect(code).toBe(130);
    expect(stderr.match(/trying again for up to/g)).toHaveLength(1);
    expect(readFileSync(path.join(far, 'project/file'), 'utf8')).toBe('two\n');
    for (const [, pid = ''] of stdout.matchAll(/^(\d+) runs/gm)) await processEnded(Number(pid));
  });
});

describe.skipIf(!canUseNamespaces)('watch where the limit on watched directories is reached', () => {
  it('says so once, and lands every change all the same', async () => {
    await user.type('create', 'web');
    const limit = 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"';
    const line = ['--user', '--map-root-user', 'sh', '-c', limit, 'sh', ...user.command('watch')];
    const watching = user.startProgram('unshare', line);
    watches.push(watching);
    await watching.said('sidecar: landed on web');
    user.project.replace('file', 'two\n');
    await watching.said('1 changed');
    const { stderr } = await interrupted(watching);
    const warning = `sidecar: warning: no file events for ${user.project.root}: the limit on watched directories`;
    expect(stderr.split(warning)).toHaveLength(2);
  });
});
