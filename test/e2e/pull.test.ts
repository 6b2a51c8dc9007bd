import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { findPart } from '../fakes/parts.js';

let user: BuiltProgram;
let workspace: string;
beforeEach(async () => {
  user = new BuiltProgram();
  user.project.write('main.c', 'int  main(){}\n');
  user.project.write('kept.c', 'kept\n');
  await user.type('create', 'web');
  ({ workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult);
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

const here = (file: string): string => readFileSync(path.join(user.project.root, file), 'utf8');
const there = (file: string): string => path.join(workspace, file);
const format = 'for file in *.c; do sed -i "s/  */ /g; s/{}/{ }/" "$file"; done; echo done >log';

describe('pull', () => {
  it('--apply brings back what a formatter did over there, and a sync finds both in step', async () => {
    expect((await user.type('exec', '--', 'sh', '-c', format)).code).toBe(0);
    const look = await user.type('pull');
    expect(look.code).toBe(0);
    expect(look.stdout).toMatch(/^ log +\| 1 \+\n main\.c \| 2 \+-\n 2 files changed/);
    expect(look.stderr).toContain('`sidecar pull --apply`');
    expect(here('main.c')).toBe('int  main(){}\n');

    const { code, stdout, stderr } = await user.type('pull', '--apply');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      `✓ applied what was changed on web:${workspace} (1 modified, 1 added)\n  modified: main.c\n  added:    log\n`,
    );
    expect([here('main.c'), here('log')]).toEqual(['int main(){ }\n', 'done\n']);

    const synced = await user.type('sync');
    expect({ code: synced.code, stderr: synced.stderr }).toEqual({ code: 0, stderr: '' });
    expect(synced.stdout).toContain('already in step');
    const none = await user.type('pull', '--apply');
    expect({ code: none.code, stdout: none.stdout }).toEqual({ code: 0, stdout: '' });
    expect(none.stderr).toContain('nothing to pull');
  });

  it('--apply is refused with 3 and the paths where those changed here too, and both versions are kept', async () => {
    await user.type('exec', '--', 'sh', '-c', format);
    user.project.write('main.c', 'int main(void) {}\n');
    const { code, stdout, stderr } = await user.type('pull', '--apply');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '  conflict: main.c\n' });
    expect(stderr).toMatch(/main\.c has changed here too since the last landing\n {2}hint: nothing was changed; /);
    expect(here('main.c')).toBe('int main(void) {}\n');
    expect(readFileSync(there('main.c'), 'utf8')).toBe('int main(){ }\n');
    const document = await user.type('pull', '--apply', '--json');
    expect({ code: document.code, stdout: document.stdout }).toEqual({ code: 3, stdout: '' });
    expect(JSON.parse(document.stderr)).toMatchObject({ error: { code: 'pull.conflict', conflicts: ['main.c'] } });
    const look = await user.type('pull', '--json');
    expect(JSON.parse(look.stdout)).toMatchObject({
      ...{ sidecar: 'web', workspace, conflicts: ['main.c'] },
      files: [{ path: 'log' }, { path: 'main.c', insertions: 1, deletions: 1 }],
    });
  });

  it('--apply that is killed while it writes leaves every file whole, and the next one goes on', async () => {
    const large = Buffer.alloc(3_000_000, 'x');
    user.project.write('large', large.subarray(1));
    await user.type('sync');
    writeFileSync(there('kept.c'), 'by the sidecar\n');
    writeFileSync(there('large'), large);
    const bin = user.directory('bin');
    const script = `case " $* " in *" cat-file blob "*) kill -9 $PPID;; esac; exec ${findPart('git') ?? 'git'} "$@"`;
    writeFileSync(path.join(bin, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const killed = user.startWith({ PATH: `${bin}:${user.env['PATH'] ?? ''}` }, 'pull', '--apply');
    expect((await killed.ended).stdout).toBe('');
    expect(killed.child.signalCode).toBe('SIGKILL');
    expect([here('kept.c'), here('large').length]).toEqual(['by the sidecar\n', large.length - 1]);
    const left = (): string[] => readdirSync(user.project.root).filter((name) => name.startsWith('.sidecar-pull-'));
    expect(left()).toHaveLength(1);
    const { code, stdout } = await user.type('pull', '--apply');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('  modified: large\n') as string,
    });
    expect([here('large').length, left()]).toEqual([large.length, []]);
    expect((await user.type('sync')).stdout).toContain('already in step');
  });

  it('--patch prints what git applies, --branch commits it, and only one of them is taken', async () => {
    const head = user.project.commit();
    writeFileSync(there('kept.c'), Buffer.from([0, 0xff, 0x1b]));
    const patch = await user.type('pull', '--patch');
    execFileSync('git', ['apply', '--check'], { cwd: user.project.root, input: patch.stdout, env: user.project.env });
    const made = await user.type('pull', '--branch', 'from-web', '--json');
    expect(JSON.parse(made.stdout)).toMatchObject({
      branch: 'from-web',
      parent: head,
      changes: { modified: ['kept.c'] },
    });
    expect(user.project.git('diff', '--name-only', head, 'from-web')).toBe('kept.c');
    expect((await user.type('pull', '--branch', 'from-web')).code).toBe(3);
    expect((await user.type('pull', '--branch', 'a..b')).code).toBe(2);
    expect((await user.type('pull', '--branch', 'other', '--apply')).code).toBe(2);
    expect(user.project.git('status', '--porcelain')).toBe('');
  });
});
