import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BuiltProgram } from '../../fakes/built-program.js';
import { tried } from '../ledger.js';

const isRoot = process.getuid?.() === 0;
const stateOf = (user: BuiltProgram): string => user.env['SIDECAR_HOME'] ?? '';

describe('the state directory', () => {
  it('is refused where others can write in it, with the fix, and nothing is changed', async (context) => {
    await using user = new BuiltProgram();
    await user.type('add', 'web', 'dev@web.example');
    const registry = path.join(stateOf(user), 'sidecars.json');
    const before = readFileSync(registry);
    chmodSync(stateOf(user), 0o777);
    for (const argv of [['list'], ['use', 'web'], ['sync'], ['create', 'other'], ['forget', 'web']]) {
      const refused = await user.type(...argv);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain(`${stateOf(user)} can be written by others (mode 0777)`);
      expect(refused.stderr).toContain(`chmod 700 '${stateOf(user)}'`);
    }
    expect(readFileSync(registry)).toEqual(before);
    expect(readdirSync(stateOf(user))).toEqual(['sidecars.json']);
    chmodSync(stateOf(user), 0o700);
    expect((await user.type('list', '--json')).code).toBe(0);
    tried(context, {
      fault: 'state directory that others can write in',
      where: 'every kind of command',
      times: 5,
      outcome: 'refused, nothing changed',
    });
  });

  it.runIf(isRoot)('of another user is refused', async () => {
    await using user = new BuiltProgram();
    await user.type('add', 'web', 'dev@web.example');
    chmodSync(stateOf(user), 0o755);
    chownSync(stateOf(user), 12_345, 12_345);
    // A user of that number to whom root's files belong, and nobody else's.
    const asAnother = ['--user', '--map-user=1000', ...user.command('list')];
    const refused = await user.startProgram('unshare', asAnother).ended;
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`${stateOf(user)} belongs to another user`);
    chownSync(stateOf(user), 0, 0);
    expect((await user.startProgram('unshare', asAnother).ended).stdout).toContain('web');
  });
});

describe('what sidecar writes', () => {
  it('is its user’s alone, under any umask: state, keys, sockets and shadows', async () => {
    await using user = new BuiltProgram();
    user.project.write('secret', 'x\n');
    const before = process.umask(0);
    try {
      expect((await user.type('create', 'web')).code).toBe(0);
      expect((await user.type('sync')).code).toBe(0);
    } finally {
      process.umask(before);
    }
    const home = path.join(stateOf(user), 'local/web/home');
    const exposed = filesOf(stateOf(user)).filter(
      (file) => !file.startsWith(home) && (statSync(file).mode & 0o077) !== 0,
    );
    expect(exposed).toEqual([]);
    expect(existsSync(path.join(home, 'project/secret'))).toBe(true);
  });

  it('holds no secret in an event, an error or the arguments of a process', async () => {
    await using user = new BuiltProgram();
    const created = await user.type('create', 'web', '--verbose');
    writeFileSync(path.join(user.project.root, 'f'), 'x');
    const synced = await user.type('sync', '--verbose', '--json');
    const keys = filesOf(stateOf(user)).filter(
      (file) => statSync(file).isFile() && readFileSync(file).includes('PRIVATE KEY'),
    );
    expect(keys.length).toBeGreaterThan(0);
    const running = execFileSync('ps', ['-eo', 'args']).toString();
    for (const key of keys) {
      const line = readFileSync(key, 'utf8').split('\n')[1] ?? '';
      expect(line.length).toBeGreaterThan(20);
      for (const text of [created.stdout, created.stderr, synced.stdout, synced.stderr, running])
        expect(text).not.toContain(line);
    }
  });
});

function filesOf(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isSymbolicLink()).map((entry) => path.join(entry.parentPath, entry.name));
}
