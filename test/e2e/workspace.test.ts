import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';

let user: BuiltProgram;
let server: Sshd;
let workspace: string;

beforeEach(async () => {
  user = new BuiltProgram();
  const home = user.directory('far-home');
  workspace = path.join(home, 'project');
  const key = await makeKey(user.directory('keys'), 'id');
  server = await startSshd({ authorizedKeys: [key.line], home });
  user.project.write('hello.txt', 'hello\n');
  user.project.write('kept', 'kept\n');
  await user.type('add', 'web', `127.0.0.1:${server.port}`, '--identity', key.path);
  await user.type('sync');
});
afterEach(async () => {
  await server.stop();
  await user[Symbol.asyncDispose]();
});

/** What a command prints, which ends well and says nothing else. */
async function said(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await user.type(...argv);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const json = async (...argv: string[]): Promise<unknown> => JSON.parse(await said(...argv, '--json')) as unknown;

const there = (file: string): string => path.join(workspace, file);

describeWith(sshdParts, 'status', () => {
  it('tells in words and as a document whether the workspace is in step, and exits with 0 either way', async () => {
    expect(await said('status')).toContain(`✓ web:${workspace} is in step\n`);
    user.project.write('hello.txt', 'changed\n');
    writeFileSync(there('kept'), 'by the sidecar\n');
    const words = await said('status');
    expect(words).toContain(`web:${workspace} is not in step\nlanded: tree `);
    expect(words).toContain('  modified: hello.txt\n  modified: kept\n');
    expect(await json('status')).toMatchObject({
      ...{ sidecar: 'web', workspace, inStep: false, session: { state: 'none' } },
      ...{ changes: { modified: ['hello.txt', 'kept'] }, drift: { modified: ['kept'] } },
    });
  });

  it('exits with 255 where no session can be opened', async () => {
    await server.stop();
    const { code, stdout } = await user.startWith({ SIDECAR_CONNECT_TIMEOUT: '1s' }, 'status').ended;
    expect({ code, stdout }).toEqual({ code: 255, stdout: '' });
    expect(existsSync(workspace)).toBe(true);
  });
});

describeWith(sshdParts, 'diff', () => {
  it('prints a patch as git applies it, what it changes, or a document', async () => {
    expect(await said('diff')).toBe('');
    user.project.write('hello.txt', 'changed\n');
    writeFileSync(there('kept'), Buffer.from([0, 0xff, 0x1b]));
    const patch = await said('diff');
    execFileSync('git', ['apply', '--check'], { cwd: workspace, input: patch, env: user.project.env });
    expect(await said('diff', '--stat')).toMatch(/^ hello\.txt \|.*\n kept {6}\|.* Bin .*\n 2 files changed/);
    expect(await json('diff')).toMatchObject({
      ...{ sidecar: 'web', workspace },
      files: [
        { path: 'hello.txt', kind: 'modified', insertions: 1, deletions: 1 },
        { path: 'kept', kind: 'modified', insertions: null, deletions: null },
      ],
    });
  });

  it('shows on a terminal no control character of a file over there', async () => {
    writeFileSync(there('kept'), 'a\x1b]0;b\x07\n');
    const { stdout } = await user.startOnTerminal('sidecar diff').ended;
    expect(stdout).toContain('-a\\x1b]0;b\\x07');
  });
});

describeWith(sshdParts, 'verify', () => {
  it('exits with 0 where the workspace is what landed, and with 1 and the paths where it is not', async () => {
    expect(await said('verify')).toMatch(/^✓ web:.*\/project holds tree [0-9a-f]{10}: 2 files, 11 B read again\n$/);
    expect(await json('verify')).toMatchObject({ verified: true, files: 2, bytes: 11 });
    writeFileSync(there('kept'), 'KEPT\n');
    const { code, stdout, stderr } = await user.type('verify');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '  modified: kept\n' });
    expect(stderr).toContain('hint: `sidecar diff` shows how');
    const document = await user.type('verify', '--json');
    expect(document).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(document.stderr)).toMatchObject({ error: { code: 'verify.differs', modified: ['kept'] } });
  });
});

describeWith(sshdParts, 'drift', () => {
  it('is listed, shown, restored and dropped by its id', async () => {
    writeFileSync(there('kept'), 'by the sidecar\n');
    const { drift } = JSON.parse((await user.type('sync', '--json')).stdout) as { drift: { id: string } };
    expect(await said('drift', 'list')).toMatch(/^ID +SAVED +CHANGES\n\S+ +\S+ +1 modified\n$/);
    expect(await json('drift')).toMatchObject({ drift: [{ id: drift.id, changed: { modified: 1 } }] });
    execFileSync('git', ['apply', '--check'], { cwd: workspace, input: await said('drift', 'show') });
    expect(await json('drift', 'show', '--stat')).toMatchObject({ id: drift.id, files: [{ path: 'kept' }] });
    expect(await said('drift', 'restore', drift.id.slice(0, -2), 'kept')).toContain(`restored ${drift.id}; `);
    expect(readFileSync(there('kept'), 'utf8')).toBe('by the sidecar\n');
    expect((await user.type('drift', 'drop')).code).toBe(2);
    expect(await said('drift', 'drop', '--all')).toBe(`✓ dropped ${drift.id}\n`);
    expect((await user.type('drift', 'show')).code).toBe(1);
  });
});

describeWith(sshdParts, 'undo', () => {
  it('puts back what the last landing replaced, and takes that back', async () => {
    user.project.write('hello.txt', 'changed\n');
    await said('sync');
    expect(await said('undo')).toMatch(/^✓ web:.*: put back what the last landing replaced \(1 modified\), tree/);
    expect(readFileSync(there('hello.txt'), 'utf8')).toBe('hello\n');
    expect(await json('undo')).toMatchObject({ verified: true, changed: { modified: 1 }, drift: null });
    expect(readFileSync(there('hello.txt'), 'utf8')).toBe('changed\n');
  });
});
