import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram } from '../fakes/built-program.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
  user.project.write('hello.txt', 'hello\n');
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

describe('a local sidecar', () => {
  it('boots while sync waits, which says so once; then it holds the tree, and delete removes it', async () => {
    const created = await user.type('create', 'web', '--boot-delay', '6');
    expect(created).toEqual({
      code: 0,
      stdout: '✓ created web, now the current sidecar; it boots for 6 s\n',
      stderr: '',
    });

    const synced = await user.type('sync');
    expect(synced.code).toBe(0);
    expect(synced.stdout).toMatch(/^✓ web:\/.*\/project: 1 added \(\d+ B sent\) in .* s, tree [0-9a-f]{10} proved\n$/);
    const said = synced.stderr.split('\n');
    expect(said).toHaveLength(3);
    expect(said[0]).toBe('sidecar: web is not reachable yet (connection refused); trying for up to 90 s…');
    expect(said[1]).toMatch(/^sidecar: connected after \d.* s \([2-9] attempts\)$/);

    const again = await user.type('sync', '--json');
    expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
    const result = JSON.parse(again.stdout) as SyncResult;
    expect(result).toMatchObject({
      sidecar: 'web',
      base: null,
      verified: true,
      upToDate: true,
      attempts: 1,
      drift: null,
    });
    expect(readFileSync(path.join(result.workspace, 'hello.txt'), 'utf8')).toBe('hello\n');

    expect(JSON.parse((await user.type('list', '--json')).stdout)).toMatchObject([{ name: 'web', current: true }]);
    expect(await user.type('delete')).toEqual({ code: 0, stdout: '✓ deleted web\n', stderr: '' });
    expect(existsSync(result.workspace)).toBe(false);
    expect((await user.type('list', '--json')).stdout).toBe('[]\n');
  });

  it('that is forgotten runs on, with a warning, until one of its name is created again', async () => {
    await user.type('create', 'web');
    const { code, stdout, stderr } = await user.type('forget', 'web');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ forgot web; its machine and its files stay as they are\n' });
    expect(stderr).toContain('sidecar: warning: the machine of web runs on');
    const again = await user.type('create', 'web');
    expect(again.code).toBe(0);
    expect(existsSync(/are now in (.*)/.exec(again.stderr)?.[1] ?? '')).toBe(true);
    expect((await user.type('wait')).code).toBe(0);
  });

  it('makes up a name when none is given', async () => {
    const { stdout } = await user.type('create', '--json', '--no-use');
    const { name } = JSON.parse(stdout) as { name: string };
    expect(name).toMatch(/^[a-z]+-[a-z]+$/);
    expect((await user.type('current')).code).toBe(1);
  });

  it('can be waited for; a reader that went away meanwhile is no failure', async () => {
    await user.type('create', 'web', '--boot-delay', '2');
    const waiting = user.start('wait', '--json');
    waiting.child.stdout?.destroy();
    expect(await waiting.ended).toEqual({ code: 0, stdout: '', stderr: '' });

    const { code, stdout } = await user.type('wait', '--json', '--timeout', '10s');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ sidecar: 'web', attempts: 1, elapsedMs: expect.any(Number) as number });
  });

  it('that does not boot in time is unreachable, with what it took', async () => {
    await user.type('create', 'web', '--boot-delay', '60');
    const { code, stdout, stderr } = await user.type('wait', '--timeout', '4s', '--json');
    expect({ code, stdout }).toEqual({ code: 255, stdout: '' });
    const { error } = JSON.parse(stderr) as { error: { attempts: number } };
    expect(error).toMatchObject({ code: 'ssh.unreachable', sidecar: 'web' });
    // The second comes 2 s after the end of the first, where that leaves it time.
    expect([1, 2]).toContain(error.attempts);
  });

  it('that does not boot in time is only a warning with --best-effort', async () => {
    await user.type('create', 'web', '--boot-delay', '60');
    const { code, stdout } = await user.type('sync', '--best-effort', '--connect-timeout', '1s', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ skipped: true, error: { code: 'ssh.unreachable' } });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('need not be waited for: %s ends the wait with 130', async (signal) => {
    await user.type('create', 'web', '--boot-delay', '60');
    const waiting = user.start('sync');
    await waiting.said('trying for up to 90 s');
    waiting.child.kill(signal);
    const { code, stdout, stderr } = await waiting.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr.split('\n').at(-2)).toBe('sidecar: interrupted');
  });

  it('that drifted is refused with 3 on request, else saved with a warning that names the paths', async () => {
    await user.type('create', 'web');
    const { workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult;
    user.project.write('more.txt', 'more\n');
    const there = path.join(workspace, 'hello.txt');
    writeFileSync(there, 'edited over there\n');

    const refused = await user.type('sync', '--drift', 'refuse');
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('hello.txt (modified)');
    expect(readFileSync(there, 'utf8')).toBe('edited over there\n');

    const saved = await user.type('sync');
    expect(saved.code).toBe(0);
    expect(saved.stderr).toMatch(/^sidecar: warning: 1 path in web:.* \(saved as .*, then overwritten\): hello.txt\n$/);
    expect(readFileSync(there, 'utf8')).toBe('hello\n');
  });
});
