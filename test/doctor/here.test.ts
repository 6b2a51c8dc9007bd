import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../faults/machine/another-user.js';
import { describeAsRoot, Mount } from '../faults/machine/mounts.js';
import { describeWith } from '../fakes/parts.js';
import { startAgent } from '../fakes/ssh-agent.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { Clinic } from './clinic.js';

let user: Clinic;
beforeEach(() => (user = new Clinic()));
afterEach(() => user[Symbol.dispose]());

describe('on a machine where all is well', () => {
  it('nothing has failed, nothing is left behind, and of a sidecar nothing is said before there is one', async () => {
    const told = await user.examine();
    expect(Object.entries(told).filter(([, { result }]) => result === 'failed')).toEqual([]);
    expect(told.working_tree).toEqual({ result: 'ok', detail: user.project.root });
    expect(told['state.directory']).toMatchObject({ result: 'ok' });
    expect(existsSync(user.stateDir)).toBe(false);
    expect(told.sidecar.fix).toContain('sidecar create');
    expect(told.login).toEqual({ result: 'skipped', detail: 'not tried: see sidecar' });
  });
});

describe('git', () => {
  it('that is missing is named, and the working tree is not blamed', async () => {
    const told = await user.examine({ env: { ...user.env, PATH: user.path(['ssh']) } });
    expect(told.git).toMatchObject({ result: 'failed', fix: 'install git' });
    expect(told.working_tree).toEqual({ result: 'skipped', detail: 'not tried: see git' });
    expect(told.ssh.result).toBe('ok');
  });

  it('that is too old is named with the version that is needed', async () => {
    const PATH = user.path(['ssh'], { git: 'echo git version 2.17.1' });
    const { git } = await user.examine({ env: { ...user.env, PATH } });
    expect(git).toMatchObject({ result: 'failed', fix: 'install git 2.30 or newer' });
  });

  it('that cannot be started is a finding', async () => {
    const bin = user.directory('bin');
    writeFileSync(path.join(bin, 'git'), 'no program', { mode: 0o644 });
    expect((await user.examine({ env: { ...user.env, PATH: bin } })).git.result).toBe('failed');
  });
});

describeWith(['ssh'], 'ssh', () => {
  it('is missed only where there is a configuration that it would read', async () => {
    const PATH = user.path(['git']);
    expect((await user.examine({ env: { ...user.env, PATH } })).ssh.result).toBe('ok');
    user.write('home/.ssh/config', 'Host web\n');
    expect((await user.examine({ env: { ...user.env, PATH } })).ssh).toMatchObject({
      result: 'warning',
      detail: expect.stringContaining('~/.ssh/config is not read') as string,
    });
  });

  it('says which line of its configuration it does not understand', async () => {
    user.write('home/.ssh/config', 'Host web\n  Hostnom web.example\n');
    const { ssh } = await user.examine();
    expect(ssh).toMatchObject({ result: 'failed', detail: expect.stringMatching(/line 2/) as string });
  });
});

describe('the state directory', () => {
  it('in which others can write is refused, and nothing in it is believed', async () => {
    mkdirSync(user.stateDir);
    writeFileSync(path.join(user.stateDir, 'sidecars.json'), '{}');
    chmodSync(user.stateDir, 0o777);
    const told = await user.examine();
    expect(told['state.directory']).toMatchObject({
      result: 'failed',
      fix: expect.stringContaining(`chmod 700 '${user.stateDir}'`) as string,
    });
    expect(told.sidecar).toEqual({ result: 'skipped', detail: 'not tried: see list of sidecars' });
  });

  it('that is a file is named', async () => {
    writeFileSync(user.stateDir, '');
    const told = await user.examine();
    expect(told['state.directory']).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('is not a directory') as string,
    });
  });

  it('whose path is too long for a socket has the socket elsewhere', async () => {
    const stateDir = path.join(user.home, 'a'.repeat(120));
    const told = await user.examine({ env: { ...user.env, SIDECAR_HOME: stateDir } });
    expect(told['daemon.socket']).toMatchObject({ result: 'ok', detail: expect.stringMatching(/^\/tmp\//) as string });
  });
});

describeAsRoot('a state directory', () => {
  it('that its user cannot write to is named, with what else is wrong, and nothing crashes', async () => {
    mkdirSync(user.stateDir, { mode: 0o755 });
    chmodSync(path.dirname(user.stateDir), 0o755);
    const told = await asNobody(() => user.examine());
    expect(told['state.directory'].result).toBe('failed');
    expect(told.node.result).toBe('ok');
  });

  for (const [what, options] of [
    ['room', 'size=1m'],
    ['inode', 'nr_inodes=8'],
  ] as const) {
    it(`on a disk without any ${what} is told what is left`, async () => {
      const disk = new Mount(user.stateDir, `mode=700,${options}`);
      try {
        writeFileSync(path.join(user.stateDir, 'large'), Buffer.alloc(what === 'room' ? 900_000 : 1));
        const told = await user.examine();
        expect(told['state.space']).toMatchObject({
          result: 'failed',
          detail: expect.stringMatching(/only/) as string,
        });
        expect(readdirSync(user.stateDir)).toEqual(['large']);
      } finally {
        disk.remove();
      }
    });
  }
});

describe('settings and the list of sidecars', () => {
  it('are each told of, whatever is wrong with the others', async () => {
    const userFile = user.write('state/config.json', '{"drift": "keep"}');
    const registry = user.write('state/sidecars.json', '{"version": 1, "sidecars": [');
    const project = path.join(user.project.root, '.sidecar.json');
    writeFileSync(project, '{"sidecars": "web"}');
    const told = await user.examine({ env: { ...user.env, SIDECAR_CONNECT_TIMEOUT: 'soon' } });
    expect(told['settings.user']).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining(userFile) as string,
    });
    expect(told['settings.user'].detail).toContain('"drift" must be');
    expect(told['settings.project'].detail).toContain('unknown key "sidecars"');
    expect(told['settings.project'].detail).toContain(project);
    expect(told['settings.environment'].detail).toContain('SIDECAR_CONNECT_TIMEOUT must be');
    expect(told.registry).toMatchObject({ result: 'failed', detail: expect.stringContaining(registry) as string });
    expect(told.sidecar.result).toBe('skipped');
    expect(told.git.result).toBe('ok');
  });

  it('that are broken do not hide the sidecar that is selected here', async () => {
    await user.use({ host: '127.0.0.1', port: 1 });
    user.write('state/config.json', '{');
    const told = await user.examine({
      env: { ...user.env, PATH: user.path([]) },
      directory: user.directory('project/src'),
    });
    expect(told.sidecar).toMatchObject({ result: 'ok', detail: 'web (ssh)' });
  });

  it('that know no sidecar of the name given say so', async () => {
    const told = await user.examine({ sidecar: 'db' });
    expect(told.sidecar).toMatchObject({ result: 'failed', detail: 'there is no sidecar named db' });
  });
});

describeWith(['ssh', 'ssh-keygen', 'ssh-agent', 'ssh-add'], 'keys', () => {
  it('are asked for where there is none', async () => {
    const told = await user.examine();
    expect(told.agent.detail).toContain('SSH_AUTH_SOCK is not set');
    expect(told.keys).toMatchObject({ result: 'warning', fix: expect.stringContaining('ssh-keygen') as string });
  });

  it('of an agent are counted, and one that is gone is told of', async () => {
    const key = await makeKey(user.directory('keys'), 'key');
    const agent = await startAgent(user.directory('agent'));
    const env = { ...user.env, SSH_AUTH_SOCK: agent.socket };
    try {
      await agent.add(key.path);
      const told = await user.examine({ env });
      expect(told.agent).toMatchObject({ result: 'ok', detail: expect.stringContaining('1 key in') as string });
      expect(told.keys.result).toBe('ok');
    } finally {
      await agent.stop();
    }
    expect((await user.examine({ env })).agent).toMatchObject({
      result: 'warning',
      fix: expect.stringContaining('ssh-add') as string,
    });
  });

  it('that others can read are passed over, with the command that closes them', async () => {
    const { path: file } = await makeKey(user.directory('home/.ssh'), 'id_ed25519');
    expect((await user.examine()).keys).toEqual({ result: 'ok', detail: file });
    chmodSync(file, 0o644);
    expect((await user.examine()).keys).toMatchObject({
      result: 'warning',
      detail: expect.stringContaining(`chmod 600 '${file}'`) as string,
    });
  });

  it('that have a passphrase are told from those that do not', async () => {
    await makeKey(user.directory('home/.ssh'), 'id_ed25519', { passphrase: 'secret' });
    expect((await user.examine()).keys.detail).toContain('(with a passphrase)');
  });
});

describe('the working tree', () => {
  it('may be in the middle of a merge, and may be no repository', async () => {
    writeFileSync(path.join(user.project.root, '.git/MERGE_HEAD'), `${'1'.repeat(40)}\n`);
    expect((await user.examine()).working_tree.result).toBe('ok');
    const plain = await user.examine({ directory: user.directory('plain') });
    expect(plain.working_tree).toMatchObject({
      result: 'ok',
      detail: expect.stringContaining('no git repository') as string,
    });
  });

  it('that is none, because the repository is bare, is told', async () => {
    const bare = user.directory('bare');
    user.project.git('clone', '-q', '--bare', user.project.root, bare);
    expect((await user.examine({ directory: bare })).working_tree).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('without a working tree') as string,
    });
  });

  it('with a lock that git left behind is told how to go on', async () => {
    const lock = path.join(user.project.root, '.git/index.lock');
    writeFileSync(lock, '');
    expect((await user.examine()).working_tree.result).toBe('ok');
    utimesSync(lock, 1_000_000, 1_000_000);
    expect((await user.examine()).working_tree).toMatchObject({
      result: 'warning',
      fix: expect.stringContaining(`rm '${lock}'`) as string,
    });
  });
});
