import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine } from '../fakes/command-line.js';

let user: CommandLine;
beforeEach(() => {
  user = new CommandLine();
  user.project.write('.gitignore', '*.o\n');
  user.project.write('src/app.o', '');
  user.project.write('src/app.c', '');
});
afterEach(() => user[Symbol.dispose]());

describe('explain', () => {
  it('says in words and as a document why a path is or is not sent, and needs no sidecar', async () => {
    expect(await user.type('explain', 'src/app.o')).toEqual({
      code: 0,
      stdout: 'src/app.o: not sent: git ignores it\n  rule: .gitignore:1: *.o\n',
      stderr: '',
    });
    expect((await user.type('explain', 'src')).stdout).toBe('src: sent: 1 file in it\n');
    expect(JSON.parse((await user.type('explain', 'src/app.o', '--json')).stdout)).toEqual({
      ...{ path: 'src/app.o', sent: false, reason: 'ignored' },
      rule: { file: '.gitignore', line: 1, pattern: '*.o' },
    });
  });

  it('takes a path from where it works', async () => {
    mkdirSync(path.join(user.project.root, 'empty'));
    expect((await user.typeIn(path.join(user.project.root, 'src'), 'explain', 'app.c')).stdout).toBe(
      'src/app.c: sent: no rule ignores it\n',
    );
    expect((await user.type('-C', 'src', 'explain', '../empty')).stdout).toBe(
      'empty: not sent: empty directories do not travel\n',
    );
    expect((await user.type('explain', '/etc/passwd')).stdout).toBe(
      '/etc/passwd: not sent: it is outside the working tree\n',
    );
  });
});
