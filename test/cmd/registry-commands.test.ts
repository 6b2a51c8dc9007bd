import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateHome } from '../../src/sidecars/home.js';
import type { MadeRecord } from '../../src/sidecars/record.js';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { CommandLine } from '../fakes/command-line.js';
import { GitRepo } from '../fakes/git-repo.js';
import { sampleMade, sampleRecord } from '../sidecars/sample-record.js';

let user: CommandLine;
beforeEach(() => {
  user = new CommandLine();
});
afterEach(() => {
  user[Symbol.dispose]();
});

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIATsjqtqzseeoAnnGO2nOUe6Ci21DgMnOfbpKp7aEanu';

describe('add', () => {
  it('keeps what was said of the machine and makes it current, without connecting', async () => {
    const { code, stdout, stderr } = await user.type(
      ...['add', 'web', 'dev@10.0.0.7:2222', '--workdir', 'src/app', '--host-key', hostKey, '--json'],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      name: 'web',
      provider: 'ssh',
      transport: null,
      destination: 'dev@10.0.0.7:2222',
      jump: null,
      workdir: 'src/app',
      hostKeys: [hostKey],
      createdAt: expect.any(String) as string,
      current: true,
    });
    expect((await user.type('current')).stdout).toBe('web\n');
  });

  it('keeps the hosts to jump over, as they are written', async () => {
    const jump = 'ops@[::1]:2022,ssh://gate.example:22';
    const { stdout } = await user.type('add', 'web', 'inner', '--jump', jump, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ jump: ['ops@[::1]:2022', 'gate.example:22'] });
    const none = await user.type('add', 'db', 'inner', '--jump', 'none', '--json');
    expect(JSON.parse(none.stdout)).toMatchObject({ jump: [] });
  });

  it.each(['', 'a,,b', '-oProxyCommand=x', 'a b', 'host:0'])('refuses to jump over %j', async (jump) => {
    expect((await user.type('add', 'web', 'inner', `--jump=${jump}`)).code).toBe(2);
  });

  it('with --no-use leaves the current sidecar as it is', async () => {
    await user.type('add', 'web', 'one.example');
    expect((await user.type('add', 'db', 'two.example', '--no-use')).stdout).toBe('✓ added db (two.example)\n');
    expect((await user.type('current')).stdout).toBe('web\n');
  });

  it('refuses a name that is taken', async () => {
    await user.type('add', 'web', 'one.example');
    const { code, stderr } = await user.type('add', 'web', 'two.example');
    expect(code).toBe(1);
    expect(stderr).toContain('there is a sidecar named web already');
  });

  it('registers nothing where the settings of the project are wrong', async () => {
    user.project.write('.sidecar.json', '{"sidecr": "web"}');
    expect((await user.type('add', 'web', 'one.example')).code).toBe(2);
    user.project.write('.sidecar.json', '{}');
    expect((await user.type('list', '--json')).stdout).toBe('[]\n');
  });

  it('takes a key file as ssh would: relative to where it works, ~ for the home', async () => {
    await user.type('add', 'web', 'one.example', '--identity=~/.ssh/key');
    await user.type('add', 'db', 'two.example', '--identity=keys/db');
    const registry = readFileSync(path.join(user.env['SIDECAR_HOME'] ?? '', 'sidecars.json'), 'utf8');
    expect(registry).toContain(`"identity": "${path.join(user.env['HOME'] ?? '', '.ssh/key')}"`);
    expect(registry).toContain(`"identity": "${path.join(user.project.root, 'keys/db')}"`);
  });
});

describe('add --transport', () => {
  it('is kept, and shown', async () => {
    expect(await user.type('add', 'web', 'one.example', '--transport', 'openssh')).toMatchObject({ code: 0 });
    expect((await user.type('list')).stdout).toContain('one.example (openssh)');
    const [listed] = JSON.parse((await user.type('list', '--json')).stdout) as object[];
    expect(listed).toMatchObject({ transport: 'openssh' });
  });

  it('of another name is wrong usage', async () => {
    const { code, stderr } = await user.type('add', 'web', 'one.example', '--transport', 'telnet');
    expect(code).toBe(2);
    expect(stderr).toContain('ssh2, openssh');
  });
});

describe('list', () => {
  it('shows every sidecar and marks the current one', async () => {
    await user.type('add', 'web', 'dev@[::1]:2222');
    await user.type('add', 'db', 'db.example', '--workdir', '/srv/db');
    const { stdout } = await user.type('list');
    const lines = stdout.split('\n').map((line) => line.replace(/\d{4}-\d\d-\d\d$/, 'DATE'));
    expect(lines).toEqual([
      '   NAME  PROVIDER  DESTINATION     WORKSPACE  CREATED',
      '*  db    ssh       db.example      /srv/db    DATE',
      '   web   ssh       dev@[::1]:2222  -          DATE',
      '',
    ]);
  });

  it('with none prints nothing but a note on how to get one', async () => {
    const { code, stdout, stderr } = await user.type('list');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('`sidecar create` makes one');
  });

  it('works where git cannot say what the working tree is', async () => {
    await user.type('add', 'web', 'one.example');
    const bare = GitRepo.init(path.join(path.dirname(user.project.root), 'bare.git'), user.env['HOME'] ?? '', '--bare');
    expect((await user.typeIn(bare.root, 'list', '--json')).stdout).toContain('"current":false');
  });

  it('names the file and the key of a setting that does not exist', async () => {
    user.project.write('.sidecar.json', '{"sidecr": "web"}');
    const file = path.join(user.project.root, '.sidecar.json');
    const { code, stderr } = await user.type('list', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'settings.invalid', file, key: 'sidecr' } });
  });
});

describe('the current sidecar', () => {
  beforeEach(async () => {
    await user.type('add', 'web', 'one.example');
    await user.type('add', 'db', 'two.example');
  });

  it('is what use says, in every directory of the working tree', async () => {
    expect((await user.type('use', 'web')).stdout).toBe('✓ web is now the current sidecar\n');
    const inside = path.join(user.project.root, 'a/b');
    mkdirSync(inside, { recursive: true });
    expect((await user.typeIn(inside, 'current')).stdout).toBe('web\n');
  });

  it('belongs to one working tree', async () => {
    const other = GitRepo.init(path.join(path.dirname(user.project.root), 'other'), user.env['HOME'] ?? '');
    const { code, stdout, stderr } = await user.typeIn(other.root, 'current');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('select one with `sidecar use NAME`: there is db, web');
  });

  it('yields to the environment, and use warns of that', async () => {
    user.env['SIDECAR_NAME'] = 'web';
    expect((await user.type('current')).stdout).toBe('web\n');
    expect((await user.type('use', 'db')).stderr).toContain('SIDECAR_NAME says web, which is used instead');
  });

  it('yields to -s, which needs no working tree', async () => {
    expect((await user.typeIn('/', 'current', '-s', 'web')).stdout).toBe('web\n');
  });

  it('cannot be one that does not exist', async () => {
    const { code, stderr } = await user.type('use', 'wbe');
    expect(code).toBe(1);
    expect(stderr).toBe('sidecar: there is no sidecar named wbe\n  hint: there is db, web; `sidecar list` says more\n');
  });
});

describe.each([
  ['forget', 'forgotten', 'forgot web; its machine and its files stay as they are'],
  ['delete', 'deleted', 'deleted web; its machine is not ours to delete, and stays as it is'],
])('%s', (verb, done, words) => {
  beforeEach(async () => {
    await user.type('add', 'web', 'one.example');
  });

  it('takes the sidecar it is given off the list', async () => {
    expect(await user.type(verb, 'web')).toEqual({ code: 0, stdout: `✓ ${words}\n`, stderr: '' });
    expect((await user.type('list', '--json')).stdout).toBe('[]\n');
    expect((await user.type('current')).code).toBe(1);
  });

  it('without a name means the current one', async () => {
    expect(JSON.parse((await user.type(verb, '--json')).stdout)).toEqual({ name: 'web', [done]: true });
  });

  it('does nothing when two names are given', async () => {
    await user.type('add', 'db', 'two.example');
    const { code, stderr } = await user.type('-s', 'db', verb, 'web');
    expect(code).toBe(2);
    expect(stderr).toContain('two sidecars are named, web and db');
    expect(JSON.parse((await user.type('list', '--json')).stdout)).toHaveLength(2);
  });

  it('says so when there is no such sidecar', async () => {
    expect((await user.type(verb, 'nobody')).code).toBe(1);
  });
});

describe('forget, of a sidecar whose machine was asked for', () => {
  const registry = (): Registry =>
    new Registry(registryStore(stateHome({ env: user.env, homeDir: '/', platform: 'linux' }).stateDir));
  const askFor = (agoMs: number, provider: Partial<MadeRecord> = {}): Promise<void> => {
    const createdAt = new Date(Date.now() - agoMs).toISOString();
    return registry().add(sampleRecord('web', { createdAt, provider: { ...sampleMade, by: 'api', ...provider } }));
  };

  it('is refused while it may be being made, and leads to delete', async () => {
    await askFor(60_000);
    const { code, stderr } = await user.type('forget', 'web');
    expect(code).toBe(2);
    expect(stderr).toContain('the machine of web may still be being made');
    expect(stderr).toContain('`sidecar delete web`');
    expect(await registry().list()).toHaveLength(1);
  });

  it.each([
    ['it is known', 60_000, { id: 'sc-1' }],
    ['it was given up', 600_000, {}],
  ])('takes it off the list once %s', async (_, agoMs, provider) => {
    await askFor(agoMs, provider);
    expect((await user.type('forget', 'web')).code).toBe(0);
    expect(await registry().list()).toEqual([]);
  });
});
