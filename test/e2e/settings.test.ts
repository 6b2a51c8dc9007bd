import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram, packageRoot } from '../fakes/built-program.js';

describe('the published schema', () => {
  const schema = JSON.parse(readFileSync(path.join(packageRoot, 'dist/settings.schema.json'), 'utf8')) as {
    properties: Record<string, { description?: string }>;
  };
  const validate = new Ajv().compile(schema);

  it('describes every key', () => {
    expect(Object.entries(schema.properties).filter(([, { description }]) => (description ?? '') === '')).toEqual([]);
  });

  it.each([
    {},
    { $schema: './x.json', sidecar: 'web', workdir: '/srv/app', drift: 'refuse', connectTimeout: 90 },
    { ignore: ['/data/', '*.mp4'], include: ['.env.local', 'config/*.secret'] },
    { forwards: ['8080', { remote: '9000:localhost:3000' }], environment: { NODE_ENV: 'test', EMPTY: '' } },
    { afterLanding: 'make', connectTimeout: '2m' },
    { afterLanding: ['npm', 'ci'] },
  ])('takes what is right: %j', (settings) => {
    expect(validate(settings)).toBe(true);
  });

  it.each([
    { workdri: 'w' },
    { sidecar: 'No Name' },
    { drift: 'ask' },
    { connectTimeout: 0 },
    { ignore: '*.mp4' },
    { include: ['!x'] },
    { ignore: [''] },
    { forwards: [{ local: '8080' }] },
    { forwards: [8080] },
    { environment: { 'NOT-A-NAME': '1' } },
    { environment: { PORT: 3000 } },
    { afterLanding: [] },
    { afterLanding: '' },
  ])('refuses what is wrong: %j', (settings) => {
    expect(validate(settings)).toBe(false);
  });
});

describe('settings of a project', () => {
  let user: BuiltProgram;
  beforeEach(async () => {
    user = new BuiltProgram();
    await user.type('create', 'web');
  });
  afterEach(async () => {
    await user[Symbol.asyncDispose]();
  });

  const filesIn = (directory: string): string[] =>
    readdirSync(directory)
      .filter((name) => !name.startsWith('.git'))
      .sort();

  it('say what is sent, to every command alike, and a change counts at once', async () => {
    for (const name of ['.env', '.env.local', 'data/big', 'f']) user.project.write(name, 'x\n');
    user.project.write('.gitignore', '.env*\n');
    user.project.write('.sidecar.json', '{"ignore": ["/data"], "include": [".env.local"]}');
    const { workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult;
    expect(filesIn(workspace)).toEqual(['.env.local', '.sidecar.json', 'f']);
    expect((await user.type('status')).code).toBe(0);
    expect((await user.type('diff')).stdout).toBe('');
    user.project.write('.sidecar.json', '{"ignore": ["/data"]}');
    expect((await user.type('diff', '--stat')).stdout).toContain('.env.local');
    await user.type('sync');
    expect(filesIn(workspace)).toEqual(['.sidecar.json', 'f']);
  });

  it('run a command after each landing that changes something, once they are allowed', async () => {
    const ran = { afterLanding: 'echo "$WORD"; echo more >>"$HOME/ran"', environment: { WORD: 'set up' } };
    user.project.write('.sidecar.json', JSON.stringify(ran));
    const first = await user.type('sync');
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringContaining('not in force until you say `sidecar allow`'),
    ]);
    await user.type('allow');
    expect((await user.type('sync')).stderr).toBe('');
    user.project.write('f', 'one\n');
    const { stdout, stderr } = await user.type('sync', '--json');
    const { workspace } = JSON.parse(stdout) as SyncResult;
    expect(stderr).toBe('set up\n');
    const times = (): number => readFileSync(path.join(workspace, '../ran'), 'utf8').split('\n').length - 1;
    expect(times()).toBe(1);

    user.project.write('f', 'two\n');
    const run = await user.type('run', '--', 'sh', '-c', 'cat f; echo "$WORD"');
    expect([run.code, run.stdout]).toEqual([0, 'two\nset up\n']);
    expect(times()).toBe(2);
    user.project.write('f', 'three\n');
    expect(
      (await user.type('run', '--no-after-landing', '-e', 'WORD=mine', '--', 'sh', '-c', 'echo "$WORD"')).stdout,
    ).toBe('mine\n');
    expect(times()).toBe(2);
    expect((await user.type('exec', '--', 'sh', '-c', 'echo "$WORD"')).stdout).toBe('set up\n');
  });

  it('that fail after a landing fail the command, with the tree in place, and keep another from being started', async () => {
    user.project.write('.sidecar.json', '{"afterLanding": ["sh", "-c", "exit 7"]}');
    await user.type('allow');
    const sync = await user.type('sync', '--json');
    const { workspace, verified } = JSON.parse(sync.stdout) as SyncResult;
    expect([sync.code, verified]).toEqual([1, true]);
    expect(JSON.parse(sync.stderr)).toMatchObject({ error: { code: 'landing.after_failed', exitCode: 7 } });
    user.project.write('f', 'one\n');
    expect(await user.type('run', '--', 'touch', 'started')).toMatchObject({ code: 1, stdout: '' });
    expect(filesIn(workspace)).toEqual(['.sidecar.json', 'f']);
  });

  it('run that command also where the history did not follow the landing, which is said after it', async () => {
    user.project.write('.sidecar.json', '{"afterLanding": "echo ran >&2"}');
    user.project.commit();
    await user.type('allow');
    const { workspace } = JSON.parse((await user.type('sync', '--history', '--json')).stdout) as SyncResult;
    writeFileSync(path.join(workspace, '.git/MERGE_HEAD'), '');
    user.project.write('f', 'one\n');
    user.project.commit();
    for (const [flags, code] of [
      [[], 3],
      [['--best-effort'], 0],
    ] as const) {
      user.project.write('f', `${code}\n`);
      const sync = await user.type('sync', '--history', '--no-color', ...flags);
      expect(sync).toMatchObject({ code, stdout: expect.stringContaining('proved') as string });
      expect(sync.stderr).toMatch(/ran\n(.*\n)*sidecar: .*the tree landed, but the repository/);
    }
    const json = await user.type('sync', '--history', '--json', '--best-effort');
    expect(JSON.parse(json.stdout)).toMatchObject({ verified: true, upToDate: true });
  });

  it('hold for a watch: the command before each run, and its variables for both', async () => {
    const hold = {
      afterLanding: 'echo "$WORD" >>made; grep -q two f',
      environment: { WORD: 'it’s' },
      ignore: ['made'],
    };
    user.project.write('.sidecar.json', JSON.stringify(hold));
    user.project.write('f', 'one\n');
    await user.type('allow');
    const watching = user.start('watch', '--', 'sh', '-c', 'echo "$WORD runs on $(cat f)"');
    await watching.said('ended with 1');
    user.project.replace('f', 'two\n');
    await watching.said('it’s runs on two');
    watching.child.kill('SIGINT');
    const { stdout } = await watching.ended;
    expect(stdout).toBe('it’s runs on two\n');
    const { workspace } = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult;
    expect(readFileSync(path.join(workspace, 'made'), 'utf8')).toBe('it’s\nit’s\n');
    expect(existsSync(path.join(user.project.root, 'made'))).toBe(false);
  });
});
